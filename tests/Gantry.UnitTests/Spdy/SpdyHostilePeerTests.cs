using System.Buffers;
using CsCheck;
using Gantry.Spdy;
using Gantry.Spdy.Frames;
using Gantry.Spdy.Headers;
using Xunit;

namespace Gantry.UnitTests.Spdy;

/// <summary>A peer that does what it can against the server's side of a connection.</summary>
public sealed class SpdyHostilePeerTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    [Fact]
    public Task Connection_AnyBytesAndThenTheEnd_Ends() =>
        Gen.Select(Gen.Byte.Array[0, 300], Gen.Bool).SampleAsync(async (bytes, isControl) =>
        {
            var (peer, server, running) = Serve();
            // Half of them get past the first look.
            if (isControl && bytes.Length > 8)
                (bytes[0], bytes[1], bytes[2], bytes[5], bytes[6]) = (0x80, 3, 0, 0, 0);

            await peer.WriteAsync(bytes);
            await peer.DisposeAsync();

            await running.WaitAsync(_limit);
            Assert.True(server.Ended.IsCompleted);
        }, iter: 300);

    [Fact]
    public Task Connection_CutOffAnywhere_EndsAndItsStreamsFail() =>
        Gen.Int[1, 200].SampleAsync(async length =>
        {
            var (peer, server, running) = Serve();
            var frames = new ArrayBufferWriter<byte>();
            SpdyFrameWriter.WriteSynStream(frames, 1, SpdyFlags.None, Block(new HeaderCompressor()));
            var data = new byte[8 + 200];
            SpdyFrameWriter.WriteDataHeader(data, 1, SpdyFlags.Finish, 200);
            frames.Write(data);

            await peer.WriteAsync(frames.WrittenMemory[..Math.Min(length, frames.WrittenCount - 1)]);
            await peer.DisposeAsync();

            await running.WaitAsync(_limit);
            await foreach (var stream in server.Accepted.ReadAllAsync())
                await Assert.ThrowsAsync<SpdyException>(async () => await stream.Input.CopyToAsync(Stream.Null));
        }, iter: 100);

    [Fact]
    public async Task Open_AndResetAgainAndAgain_IsRefusedOnceTooManyWaitToBeTaken()
    {
        var (peer, server, running) = Serve();
        var headers = new HeaderCompressor();
        for (var id = 1; id <= 7; id += 2)
        {
            var frames = new ArrayBufferWriter<byte>();
            SpdyFrameWriter.WriteSynStream(frames, id, SpdyFlags.None, Block(headers));
            SpdyFrameWriter.WriteReset(frames, id, SpdyResetReason.Cancel);
            await peer.WriteAsync(frames.WrittenMemory);
        }

        var answer = new byte[16];
        await peer.ReadExactlyAsync(answer).AsTask().WaitAsync(_limit);

        Assert.Equal("80030003000000080000000700000003", Convert.ToHexStringLower(answer));
        await peer.DisposeAsync();
        await running.WaitAsync(_limit);
        Assert.Equal(3, server.Accepted.Count);
    }

    private static (Stream Peer, SpdyConnection Server, Task Running) Serve()
    {
        var (peer, serverSide) = DuplexPair.Create();
        var server = new SpdyConnection(serverSide, SpdyRole.Server, new SpdyLimits { MostStreams = 3, StreamBuffer = 64 << 10 }, TimeProvider.System);
        return (peer, server, server.RunAsync());
    }

    private static byte[] Block(HeaderCompressor headers)
    {
        var block = new ArrayBufferWriter<byte>();
        headers.Write(block, new byte[4]);
        return block.WrittenSpan.ToArray();
    }
}
