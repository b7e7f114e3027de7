using System.Buffers;
using Gantry.Spdy.Frames;
using Gantry.Spdy.Headers;

namespace Gantry.Spdy;

/// <summary>Writes whole frames, one after the other, from any number of callers.</summary>
/// <param name="transport">The connection.</param>
/// <param name="touch">Told of each frame.</param>
internal sealed class FrameSender(Stream transport, Action touch)
{
    /// <summary>Of one data frame; a small frame of another stream waits no longer than one of these takes.</summary>
    public const int LongestData = 64 << 10;

    /// <summary>Answers that wait for the other side to read: more than a peer can cause that keeps to its windows.</summary>
    private const int MostPosted = 1024;

    private static readonly Dictionary<string, string> _none = [];
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly HeaderCompressor _headers = new();
    private int _posted;

    public async ValueTask SendDataAsync(int stream, SpdyFlags flags, ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        var length = SpdyFrameReader.HeaderLength + bytes.Length;
        var frame = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            SpdyFrameWriter.WriteDataHeader(frame, stream, flags, bytes.Length);
            bytes.CopyTo(frame.AsMemory(SpdyFrameReader.HeaderLength));
            await _turn.WaitAsync(cancel);
            try
            {
                await WriteAsync(frame.AsMemory(0, length));
            }
            finally
            {
                _turn.Release();
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(frame);
        }
    }

    public async ValueTask SendAsync(Action<IBufferWriter<byte>> build)
    {
        await _turn.WaitAsync();
        try
        {
            var frame = new ArrayBufferWriter<byte>(64);
            build(frame);
            await WriteAsync(frame.WrittenMemory);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>
    /// For the answers that the reader gives. It does not wait for them: two sides whose readers wait to write, because
    /// neither reads, would do so for ever. Only one that takes none of so many has its reading stopped.
    /// </summary>
    public async ValueTask PostAsync(Action<IBufferWriter<byte>> build)
    {
        var sending = SendPostedAsync(build);
        if (Volatile.Read(ref _posted) > MostPosted)
            await sending;
    }

    /// <summary>For a last word: a connection that does not take it is over anyway.</summary>
    public async ValueTask TrySendAsync(Action<IBufferWriter<byte>> build)
    {
        try
        {
            await SendAsync(build);
        }
        catch (IOException)
        {
            // As above.
        }
    }

    /// <param name="headers">The stream's.</param>
    /// <param name="add">Adds the stream and tells its number: under the turn, since numbers go up on the wire.</param>
    public async ValueTask SendOpenAsync(IReadOnlyDictionary<string, string> headers, Func<int> add, CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel);
        try
        {
            var block = Compress(headers);
            var frame = new ArrayBufferWriter<byte>();
            SpdyFrameWriter.WriteSynStream(frame, add(), SpdyFlags.None, block.WrittenSpan);
            await WriteAsync(frame.WrittenMemory);
        }
        finally
        {
            _turn.Release();
        }
    }

    public ValueTask SendReplyAsync(int stream) => SendAsync(target => SpdyFrameWriter.WriteSynReply(target, stream, SpdyFlags.None, Compress(_none).WrittenSpan));

    private async Task SendPostedAsync(Action<IBufferWriter<byte>> build)
    {
        Interlocked.Increment(ref _posted);
        try
        {
            await TrySendAsync(build);
        }
        finally
        {
            Interlocked.Decrement(ref _posted);
        }
    }

    private ArrayBufferWriter<byte> Compress(IReadOnlyDictionary<string, string> headers)
    {
        var plain = new ArrayBufferWriter<byte>();
        SpdyHeaderBlock.Write(plain, headers);
        var block = new ArrayBufferWriter<byte>();
        _headers.Write(block, plain.WrittenSpan);
        return block;
    }

    /// <summary>Never given up half-way: what follows half a frame would be taken for its rest.</summary>
    private async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await transport.WriteAsync(bytes, CancellationToken.None);
            touch();
        }
        catch (Exception e) when (e is ObjectDisposedException or OperationCanceledException or InvalidOperationException or (IOException and not SpdyException))
        {
            throw new SpdyException("the connection broke", e);
        }
    }
}
