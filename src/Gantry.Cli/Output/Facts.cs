using System.Text.Json.Nodes;
using Spectre.Console;

namespace Gantry.Cli.Output;

/// <summary>Named facts of one thing: aligned lines for people, an object for programs.</summary>
internal sealed class Facts
{
    private readonly List<(string Key, string Title, JsonNode? Value, string Text, Tone Tone)> _facts = [];

    /// <param name="text">The line's text where it differs from the value.</param>
    public Facts Add(string key, string title, JsonNode? value, string? text = null, Tone tone = Tone.Plain)
    {
        _facts.Add((key, title, value, text ?? value?.ToString() ?? "-", tone));
        return this;
    }

    public void Write(Screen screen, OutputFormat format)
    {
        if (format is OutputFormat.Json or OutputFormat.Yaml)
        {
            var json = new JsonObject();
            foreach (var fact in _facts)
                json.TryAdd(fact.Key, fact.Value);
            Document.Write(screen, format, json);
            return;
        }
        var width = _facts.Max(fact => fact.Title.Length) + 2;
        var console = screen.Ansi(toError: false);
        foreach (var fact in _facts.Where(fact => fact.Title.Length > 0))
        {
            console.Write(new Text((fact.Title + ":").PadRight(width)));
            console.Write(Tones.Paint(fact.Text, fact.Tone));
            console.WriteLine();
        }
    }
}
