using System.Buffers;
using Gantry.Spdy;

namespace Gantry.Cli.Streaming;

/// <summary>Reads what a server says on an error stream.</summary>
internal static class SpdyMessage
{
    private const int Longest = 64 << 10;

    /// <summary>All that comes, or as much as is sensible; servers written in Go end a stream by a reset as well as by its end.</summary>
    public static async Task<byte[]> ReadAsync(SpdyStream stream, CancellationToken cancel)
    {
        var message = new ArrayBufferWriter<byte>();
        try
        {
            while (message.WrittenCount < Longest)
            {
                var read = await stream.Input.ReadAsync(cancel);
                foreach (var piece in read.Buffer)
                    message.Write(piece.Span);
                stream.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    break;
            }
        }
        catch (SpdyException)
        {
            // The end.
        }
        return message.WrittenSpan.ToArray();
    }
}
