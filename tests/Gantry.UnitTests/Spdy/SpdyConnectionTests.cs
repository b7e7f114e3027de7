using System.Buffers;
using System.Text;
using Gantry.Spdy;
using Gantry.Spdy.Frames;
using Gantry.Spdy.Headers;
using Xunit;

namespace Gantry.UnitTests.Spdy;

public sealed class SpdyConnectionTests : IAsyncDisposable
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private static readonly Dictionary<string, string> _noHeaders = [];
    private static readonly TimeSpan _stall = TimeSpan.FromMilliseconds(50);
    private Stream _clientSide = Stream.Null;
    private SpdyConnection _server = null!;
    private SpdyConnection? _client;

    public SpdyConnectionTests() => Serve(Timeout.InfiniteTimeSpan);

    [Fact]
    public async Task Stream_OfEachSide_CarriesBytesBothWaysAndHalfCloses()
    {
        var client = Connect();
        var opening = client.OpenAsync(new Dictionary<string, string> { ["streamType"] = "stdin" }, _none);
        var there = await _server.Accepted.ReadAsync();
        await there.ReplyAsync();
        var here = await opening;

        await here.WriteAsync(Encoding.ASCII.GetBytes("hello"), _none);
        await here.FinishAsync();
        var got = await ReadToEndAsync(there);
        await there.WriteAsync(Encoding.ASCII.GetBytes("good bye"), _none);
        await there.FinishAsync();

        Assert.Equal("stdin", there.Headers["streamtype"]);
        Assert.Equal(1, there.Id);
        Assert.Equal("hello", Encoding.ASCII.GetString(got));
        Assert.Equal("good bye", Encoding.ASCII.GetString(await ReadToEndAsync(here)));
    }

    [Fact]
    public async Task Streams_ManyAtOnce_ComeWholeAndInOrder()
    {
        var client = Connect();
        var pairs = new List<(SpdyStream Here, SpdyStream There)>();
        for (var n = 0; n < 3; n++)
            pairs.Add(await OpenAsync(client));
        var sent = Enumerable.Range(0, 3).Select(n => Enumerable.Range(0, 3_000_000).Select(i => (byte)(i * (n + 3) >> 5)).ToArray()).ToList();

        var writing = pairs.Select(async (pair, n) =>
        {
            await pair.Here.WriteAsync(sent[n], _none);
            await pair.Here.FinishAsync();
        }).ToList();
        var got = await Task.WhenAll(pairs.Select(pair => ReadToEndAsync(pair.There)));
        await Task.WhenAll(writing);

        for (var n = 0; n < 3; n++)
            Assert.True(sent[n].AsSpan().SequenceEqual(got[n]));
    }

    [Fact]
    public async Task Stream_ReaderDoesNotRead_WriterWaits()
    {
        var client = Connect();
        var (here, there) = await OpenAsync(client);

        var writing = here.WriteAsync(new byte[1 << 20], _none).AsTask();
        var read = await there.Input.ReadAtLeastAsync(64 << 10);

        Assert.False(writing.IsCompleted);
        there.Input.AdvanceTo(read.Buffer.End);
        await there.Input.CompleteAsync();
        await writing;
    }

    [Fact]
    public async Task Stream_OneStandsStill_IsResetAndTheOthersGoOn()
    {
        await DisposeAsync();
        Serve(_stall);
        var client = Connect();
        var (stuck, _) = await OpenAsync(client);
        var (here, there) = await OpenAsync(client);
        await OpenAsync(client);

        var writing = stuck.WriteAsync(new byte[1 << 20], _none).AsTask();
        await here.WriteAsync(new byte[] { 7 }, _none);
        await here.FinishAsync();

        Assert.Equal([7], await ReadToEndAsync(there));
        await Task.WhenAny(writing);
        await Assert.ThrowsAsync<SpdyException>(async () => await ReadToEndAsync(stuck));
    }

    [Fact]
    public async Task Stream_Reset_FailsBothSidesOfItAlone()
    {
        var client = Connect();
        var (here, there) = await OpenAsync(client);
        var (other, otherThere) = await OpenAsync(client);

        await there.ResetAsync(SpdyResetReason.InternalError);

        await Assert.ThrowsAsync<SpdyException>(async () => await ReadToEndAsync(here));
        await Assert.ThrowsAsync<SpdyException>(async () => await here.WriteAsync(new byte[1], _none));
        await otherThere.WriteAsync(new byte[] { 1 }, _none);
        await otherThere.FinishAsync();
        Assert.Equal([1], await ReadToEndAsync(other));
    }

    [Fact]
    public async Task Stream_ResetBehindBytes_GivesTheBytesFirst()
    {
        var client = Connect();
        var (here, there) = await OpenAsync(client);

        await there.WriteAsync(new byte[] { 1, 2, 3 }, _none);
        await there.ResetAsync(SpdyResetReason.Cancel);
        await Assert.ThrowsAsync<SpdyException>(async () => await here.WriteAsync(new byte[1 << 22], _none));

        var read = await here.Input.ReadAsync();
        Assert.Equal([1, 2, 3], read.Buffer.ToArray());
        Assert.False(read.IsCompleted);
        here.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        await Assert.ThrowsAsync<SpdyException>(async () => await here.Input.ReadAsync());
    }

    [Fact]
    public async Task Open_OneStreamTooMany_IsRefused()
    {
        var client = Connect();
        for (var n = 0; n < 3; n++)
            await OpenAsync(client);

        await Assert.ThrowsAsync<SpdyException>(() => client.OpenAsync(_noHeaders, _none));
    }

    [Fact]
    public async Task Connection_OtherSideLeaves_EndsStreamsAndWaits()
    {
        var client = Connect();
        var (_, there) = await OpenAsync(client);

        await client.DisposeAsync();

        await Assert.ThrowsAsync<SpdyException>(async () => await ReadToEndAsync(there));
        await _server.Ended;
        Assert.False(await _server.Accepted.WaitToReadAsync());
    }

    [Fact]
    public async Task Connection_Ping_IsAnsweredWithTheSameNumber()
    {
        await SendAsync(target => SpdyFrameWriter.WritePing(target, 77));

        var (frame, payload) = await ReadFrameAsync();

        Assert.Equal((SpdyFrameKind.Ping, "0000004D"), (frame.Kind, payload));
    }

    [Theory]
    [InlineData("8003000400000004ffffffff")]
    [InlineData("800300040000000c0000000200000007000000ff")]
    [InlineData("800300060000000500000001ff")]
    [InlineData("80030003000000040000000f")]
    [InlineData("8003000100000004ffffffff")]
    [InlineData("800300080000000200ff")]
    [InlineData("800300010000000a00000002000000000000")]
    [InlineData("000000000000000100")]
    public async Task Connection_WrongFrame_IsAnsweredByGoAwayAndEnds(string hex)
    {
        await _clientSide.WriteAsync(Convert.FromHexString(hex));

        var (frame, payload) = await ReadFrameAsync();

        Assert.Equal((SpdyFrameKind.GoAway, "0000000000000001"), (frame.Kind, payload));
        await _server.Ended;
    }

    [Fact]
    public async Task Connection_UnknownControlFrame_IsIgnored()
    {
        await _clientSide.WriteAsync(Convert.FromHexString("8003004200000003010203"));
        await SendAsync(target => SpdyFrameWriter.WritePing(target, 1));

        Assert.Equal(SpdyFrameKind.Ping, (await ReadFrameAsync()).Frame.Kind);
    }

    [Fact]
    public async Task FlowControl_PeerThatKeepsNoWindows_GetsEverythingAtOnce()
    {
        var stream = await AcceptRawAsync();

        var writing = stream.WriteAsync(new byte[1 << 20], _none).AsTask();

        Assert.Equal(1 << 20, await ReadDataAsync(1 << 20));
        await writing;
    }

    [Fact]
    public async Task FlowControl_PeerThatTellsItsWindow_GetsThatMuchAndThenWhatItGrants()
    {
        // SETTINGS with one entry: the initial window, 1000 bytes.
        await _clientSide.WriteAsync(Convert.FromHexString("800300040000000c0000000100000007000003e8"));
        var stream = await AcceptRawAsync();

        var writing = stream.WriteAsync(new byte[3000], _none).AsTask();

        Assert.Equal(1000, await ReadDataAsync(1000));
        Assert.False(writing.IsCompleted);
        await SendAsync(target => SpdyFrameWriter.WriteWindowUpdate(target, 1, 500));
        Assert.Equal(500, await ReadDataAsync(500));
        Assert.False(writing.IsCompleted);
        await SendAsync(target => SpdyFrameWriter.WriteWindowUpdate(target, 1, 5000));
        Assert.Equal(1500, await ReadDataAsync(1500));
        await writing;
    }

    [Fact]
    public async Task FlowControl_PeerThatStopsAtItsWindowsEnd_GetsUpdatesForStreamAndSession()
    {
        var stream = await AcceptRawAsync();
        var reading = ReadToEndAsync(stream);

        await SendDataAsync(stream.Id, FlowControl.InitialWindow);

        var updates = new[] { await ReadFrameAsync(), await ReadFrameAsync() };
        Assert.All(updates, update => Assert.Equal(SpdyFrameKind.WindowUpdate, update.Frame.Kind));
        Assert.Equal(["0000000000010000", "0000000100010000"], updates.Select(update => update.Payload).Order());
        Assert.False(reading.IsCompleted);
    }

    [Fact]
    public async Task FlowControl_PeerThatHadSentMoreThanItsWindowWhenItWasAnswered_IsAnsweredForAll()
    {
        var stream = await AcceptRawAsync();
        var reading = ReadToEndAsync(stream);
        await SendDataAsync(stream.Id, FlowControl.InitialWindow);
        var granted = 0;
        const int More = 6 * FlowControl.InitialWindow;

        var sending = SendDataAsync(stream.Id, More);
        while (granted <= More + FlowControl.InitialWindow / 2)
        {
            var (frame, payload) = await ReadFrameAsync();
            Assert.Equal(SpdyFrameKind.WindowUpdate, frame.Kind);
            granted += payload.StartsWith("00000001", StringComparison.Ordinal) ? Convert.ToInt32(payload[8..], 16) : 0;
        }

        await sending;
        Assert.False(reading.IsCompleted);
    }

    [Fact]
    public async Task Streams_BothSidesSendAndAnswer_NeitherWaitsForTheOther()
    {
        var client = Connect();
        var (here, there) = await OpenAsync(client);
        var bytes = new byte[8 << 20];

        var sending = new[] { SendAsync(here), SendAsync(there) };
        var got = await Task.WhenAll(ReadToEndAsync(here), ReadToEndAsync(there)).WaitAsync(TimeSpan.FromSeconds(60));
        await Task.WhenAll(sending);

        Assert.All(got, all => Assert.Equal(bytes.Length, all.Length));

        async Task SendAsync(SpdyStream stream)
        {
            await stream.WriteAsync(bytes, _none);
            await stream.FinishAsync();
        }
    }

    [Fact]
    public async Task FlowControl_PeerThatGoesBeyondItsWindow_GetsNoUpdates()
    {
        var stream = await AcceptRawAsync();
        var reading = ReadToEndAsync(stream);

        await SendDataAsync(stream.Id, FlowControl.InitialWindow + 1);
        for (var n = 0; n < 10; n++)
            await SendDataAsync(stream.Id, FlowControl.InitialWindow / 2);
        await SendAsync(target => SpdyFrameWriter.WritePing(target, 1));

        Assert.Equal(SpdyFrameKind.Ping, (await ReadFrameAsync()).Frame.Kind);
        Assert.False(reading.IsCompleted);
    }

    public async ValueTask DisposeAsync()
    {
        if (_client is not null)
            await _client.DisposeAsync();
        await _server.DisposeAsync();
        await _server.Ended;
        await _clientSide.DisposeAsync();
    }

    private void Serve(TimeSpan stallLimit)
    {
        (_clientSide, var serverSide) = DuplexPair.Create();
        _server = new SpdyConnection(serverSide, SpdyRole.Server, new SpdyLimits { MostStreams = 3, StreamBuffer = 64 << 10, StallLimit = stallLimit }, TimeProvider.System);
        _ = _server.RunAsync();
    }

    private SpdyConnection Connect()
    {
        _client = new SpdyConnection(_clientSide, SpdyRole.Client, new SpdyLimits(), TimeProvider.System);
        _ = _client.RunAsync();
        return _client;
    }

    private async Task<(SpdyStream Here, SpdyStream There)> OpenAsync(SpdyConnection client)
    {
        var opening = client.OpenAsync(_noHeaders, _none);
        var there = await _server.Accepted.ReadAsync();
        await there.ReplyAsync();
        return (await opening, there);
    }

    /// <summary>Opens a stream by hand, and reads the reply.</summary>
    private async Task<SpdyStream> AcceptRawAsync()
    {
        var block = new ArrayBufferWriter<byte>();
        new HeaderCompressor().Write(block, new byte[4]);
        await SendAsync(target => SpdyFrameWriter.WriteSynStream(target, 1, SpdyFlags.None, block.WrittenSpan));
        var stream = await _server.Accepted.ReadAsync();
        await stream.ReplyAsync();
        Assert.Equal(SpdyFrameKind.SynReply, (await ReadFrameAsync()).Frame.Kind);
        return stream;
    }

    private async Task SendAsync(Action<IBufferWriter<byte>> build)
    {
        var frame = new ArrayBufferWriter<byte>();
        build(frame);
        await _clientSide.WriteAsync(frame.WrittenMemory);
    }

    private async Task SendDataAsync(int stream, int count)
    {
        var frame = new byte[8 + count];
        SpdyFrameWriter.WriteDataHeader(frame, stream, SpdyFlags.None, count);
        await _clientSide.WriteAsync(frame);
    }

    private async Task<int> ReadDataAsync(int count)
    {
        var got = 0;
        while (got < count)
        {
            var (frame, payload) = await ReadFrameAsync();
            Assert.Equal(SpdyFrameKind.Data, frame.Kind);
            got += payload.Length / 2;
        }
        return got;
    }

    private async Task<(SpdyFrame Frame, string Payload)> ReadFrameAsync()
    {
        var header = new byte[8];
        await _clientSide.ReadExactlyAsync(header).AsTask().WaitAsync(TimeSpan.FromSeconds(30));
        var payload = new byte[(header[5] << 16) + (header[6] << 8) + header[7]];
        await _clientSide.ReadExactlyAsync(payload);
        var input = new ReadOnlySequence<byte>([.. header, .. payload]);
        Assert.True(new SpdyFrameReader().TryRead(ref input, out var frame));
        return (frame with { Payload = default }, Convert.ToHexString(payload));
    }

    private static async Task<byte[]> ReadToEndAsync(SpdyStream stream)
    {
        using var bytes = new MemoryStream();
        await stream.Input.CopyToAsync(bytes);
        return bytes.ToArray();
    }
}
