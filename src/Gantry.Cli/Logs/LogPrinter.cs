using Gantry.Cli.Output;

namespace Gantry.Cli.Logs;

/// <summary>Prints log lines: each stream to its own, parts joined, and only what is not older than a time.</summary>
internal sealed class LogPrinter(Screen screen, DateTimeOffset? since, bool timestamps)
{
    // A part that was printed leaves its stream in the middle of a line.
    private bool _outputOpen;
    private bool _errorOpen;

    public void Print(ReadOnlySpan<byte> line)
    {
        if (!LogLine.TryParse(line, out var parsed))
        {
            // Not ours to hide: a runtime that died half-way through a line, or a file in another format.
            Write(line, toError: false);
            Write("\n"u8, toError: false);
            return;
        }
        if (since is { } from && parsed.Time() is { } time && time < from)
            return;
        ref var open = ref parsed.IsError ? ref _errorOpen : ref _outputOpen;
        if (timestamps && !open)
        {
            Write(parsed.Timestamp, parsed.IsError);
            Write(" "u8, parsed.IsError);
        }
        Write(parsed.Text, parsed.IsError);
        if (parsed.IsFull)
            Write("\n"u8, parsed.IsError);
        open = !parsed.IsFull;
    }

    private void Write(ReadOnlySpan<byte> bytes, bool toError) => (toError ? screen.ErrorBytes : screen.OutputBytes).Write(bytes);

    /// <summary>Everything printed so far has left the program.</summary>
    public void Flush()
    {
        screen.OutputBytes.Flush();
        screen.ErrorBytes.Flush();
    }
}
