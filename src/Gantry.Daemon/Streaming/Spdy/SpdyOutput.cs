using Gantry.Spdy;

namespace Gantry.Streaming.Spdy;

/// <summary>A stream of a SPDY connection as an output.</summary>
internal sealed class SpdyOutput(SpdyStream stream) : RemoteOutput
{
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel) => stream.WriteAsync(bytes, cancel);

    public override async ValueTask FinishAsync()
    {
        try
        {
            await stream.FinishAsync();
        }
        catch (SpdyException)
        {
            // The client has left.
        }
    }
}
