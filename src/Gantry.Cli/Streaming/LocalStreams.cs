using System.Threading.Channels;

namespace Gantry.Cli.Streaming;

/// <summary>This side's streams of a remote command.</summary>
/// <param name="Input">Null where the command gets none.</param>
/// <param name="Output">What the command writes goes here.</param>
/// <param name="ErrorOutput">Unused with a terminal.</param>
/// <param name="Sizes">Of the terminal, the first at once; null without one.</param>
internal sealed record LocalStreams(LocalInput? Input, Stream Output, Stream ErrorOutput, ChannelReader<TerminalSize>? Sizes);

/// <summary>Columns and rows.</summary>
internal sealed record TerminalSize(int Columns, int Rows)
{
    /// <summary>As the remote command protocols have it.</summary>
    public byte[] ToJson() => System.Text.Encoding.ASCII.GetBytes(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{{\"Width\":{Columns},\"Height\":{Rows}}}\n"));
}

/// <summary>How a remote command ended.</summary>
/// <param name="ExitCode">Null where it failed to run, or the connection did.</param>
/// <param name="Message">What went wrong; empty for a success.</param>
internal sealed record RemoteResult(int? ExitCode, string Message)
{
    public static RemoteResult Lost { get; } = new(null, "the connection to the runtime was lost before the command ended; it may still run.");
}

/// <summary>The reader of this program's own output has left.</summary>
internal sealed class ReaderLeftException(Exception cause) : Exception("the reader of the output has left", cause);
