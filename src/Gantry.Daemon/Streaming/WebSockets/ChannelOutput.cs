namespace Gantry.Streaming.WebSockets;

/// <summary>A channel as an output. No protocol tells a client that one channel alone is finished.</summary>
internal sealed class ChannelOutput(ChannelConnection connection, int channel) : RemoteOutput
{
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel) => connection.SendAsync(channel, bytes, cancel);

    public override ValueTask FinishAsync() => ValueTask.CompletedTask;
}
