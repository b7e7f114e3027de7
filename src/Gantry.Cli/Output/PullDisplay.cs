using Gantry.Api;
using Spectre.Console;

namespace Gantry.Cli.Output;

/// <summary>
/// Shows a pull on standard error: a line for each layer that is rewritten in place on a terminal; elsewhere one line for each
/// layer when it is done, because a log of percentages helps nobody.
/// </summary>
internal sealed class PullDisplay(Screen screen)
{
    private readonly Dictionary<string, string> _states = [];
    private readonly IAnsiConsole _console = screen.Ansi(toError: true);
    private int _lines;

    public void Show(PullProgress progress)
    {
        if (screen.ErrorIsTerminal && _console.Profile.Capabilities.Ansi)
            Redraw(progress);
        else
            Tell(progress);
    }

    /// <summary>Leaves what is shown where it is: the next text goes below.</summary>
    public void Finish() => _lines = 0;

    private void Redraw(PullProgress progress)
    {
        // Layers known to be there already are no news; a full screen of them would scroll, and then rewriting breaks.
        var shown = progress.Layers.Where(layer => layer.State != "exists").Take(20).ToList();
        if (_lines > 0)
            _console.Cursor.Move(CursorDirection.Up, _lines);
        foreach (var layer in shown)
        {
            screen.Error.Write("\u001b[2K");
            _console.Write(Tones.Paint(Line(layer), layer.State == "unpacked" ? Tone.Good : Tone.Plain));
            screen.Error.Write('\n');
        }
        // A list that became shorter would leave old lines behind.
        for (var rest = shown.Count; rest < _lines; rest++)
            screen.Error.Write("\u001b[2K\n");
        _lines = Math.Max(_lines, shown.Count);
    }

    private void Tell(PullProgress progress)
    {
        foreach (var layer in progress.Layers)
        {
            var isNews = !_states.TryGetValue(layer.Digest, out var before) || before != layer.State;
            _states[layer.Digest] = layer.State;
            if (isNews && layer.State is "unpacked" or "exists" && before != layer.State)
                screen.Note($"layer {HumanText.ShortId(layer.Digest)}: {layer.State}{(layer.BytesTotal > 0 ? ", " + HumanText.Size(layer.BytesTotal) : "")}");
        }
    }

    private static string Line(LayerProgress layer)
    {
        var amount = layer.State is "downloading" or "unpacking"
            ? $"{Bar(layer)} {HumanText.Size(layer.BytesDone)}{(layer.BytesTotal > 0 ? " of " + HumanText.Size(layer.BytesTotal) : "")}"
            : layer.BytesTotal > 0 ? HumanText.Size(layer.BytesTotal) : "";
        return $"{HumanText.ShortId(layer.Digest)}  {layer.State,-11}  {amount}";
    }

    private static string Bar(LayerProgress layer)
    {
        const int Width = 24;
        var full = layer.BytesTotal > 0 ? (int)Math.Clamp(Width * layer.BytesDone / layer.BytesTotal, 0, Width) : 0;
        return "[" + new string('=', full) + new string(' ', Width - full) + "]";
    }
}
