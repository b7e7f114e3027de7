using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Threading.Channels;
using Gantry.Spdy.Frames;

namespace Gantry.Spdy;

/// <summary>Which side of a connection this is: a client's streams have odd numbers, a server's even ones.</summary>
public enum SpdyRole
{
    Client,
    Server,
}

/// <summary>
/// A SPDY/3.1 connection over a duplex stream. <see cref="RunAsync"/> reads it; everything else may be called from anywhere
/// at the same time.
/// </summary>
public sealed class SpdyConnection : IAsyncDisposable
{
    private static readonly TimeSpan _goodByeLimit = TimeSpan.FromSeconds(1);
    private readonly Stream _transport;
    private readonly SpdyLimits _limits;
    private readonly TimeProvider _time;
    private readonly FlowControl _flow;
    private readonly FrameSender _sender;
    private readonly ConcurrentDictionary<int, SpdyStream> _streams = [];
    private readonly Channel<SpdyStream> _accepted = Channel.CreateUnbounded<SpdyStream>();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PipeReader _reader;
    private readonly int _ownParity;
    private int _nextStream;

    /// <param name="transport">Owned by the connection from here on.</param>
    /// <param name="role">Which side this is.</param>
    /// <param name="limits">What the other side may cost.</param>
    /// <param name="time">For <see cref="LastActivity"/> and the stall limit.</param>
    public SpdyConnection(Stream transport, SpdyRole role, SpdyLimits limits, TimeProvider time)
    {
        _transport = transport;
        // Without bytes on their way a connection holds no buffer.
        _reader = PipeReader.Create(transport, new StreamPipeReaderOptions(bufferSize: 16 << 10, useZeroByteReads: true, leaveOpen: true));
        _limits = limits;
        _time = time;
        _ownParity = role is SpdyRole.Client ? 1 : 0;
        _nextStream = role is SpdyRole.Client ? 1 : 2;
        _flow = new FlowControl(isKept: role is SpdyRole.Server);
        _sender = new FrameSender(transport, Touch);
        Touch();
    }

    /// <summary>Streams that the other side opens; each is to be replied to or reset. It completes with the connection.</summary>
    public ChannelReader<SpdyStream> Accepted => _accepted.Reader;

    /// <summary>Completes when the other side has closed the connection, or it broke.</summary>
    public Task Ended => _ended.Task;

    /// <summary>A time stamp of the time provider: when a frame was last read or written.</summary>
    public long LastActivity { get; private set; }

    /// <summary>Reads frames until the connection ends, from whichever side, by a failure or a violation.</summary>
    public async Task RunAsync()
    {
        SpdyException? failure = null;
        try
        {
            await ReadAsync(new FrameReceiver(this, _flow, _limits, 1 - _ownParity));
        }
        catch (SpdyException e)
        {
            failure = e;
            await SayGoodByeAsync(SpdyGoAwayReason.ProtocolError);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            failure = new SpdyException("the connection broke", e);
        }
        finally
        {
            await _reader.CompleteAsync();
            End(failure ?? new SpdyException("the other side has closed the connection"));
        }
    }

    /// <summary>Opens a stream and waits until the other side has accepted it.</summary>
    /// <exception cref="SpdyException">It was refused, or the connection is over.</exception>
    public async Task<SpdyStream> OpenAsync(IReadOnlyDictionary<string, string> headers, CancellationToken cancel)
    {
        SpdyStream? stream = null;
        await _sender.SendOpenAsync(
            headers,
            () =>
            {
                stream = new SpdyStream(this, _nextStream, headers, _limits.StreamBuffer);
                _nextStream += 2;
                _streams[stream.Id] = stream;
                return stream.Id;
            },
            cancel);
        if (_ended.Task.IsCompleted)
            stream!.Abort(new SpdyException("the connection is over"));
        await stream!.Replied.WaitAsync(cancel);
        return stream;
    }

    /// <summary>
    /// Waits until the other side has closed, which it does when it has read everything: some clients lose what they have
    /// not read yet when the connection closes under them. After that time the connection is closed from this side.
    /// </summary>
    public async Task CloseAsync(TimeSpan patience)
    {
        try
        {
            await Ended.WaitAsync(patience, _time);
        }
        catch (TimeoutException)
        {
            await SayGoodByeAsync(SpdyGoAwayReason.Ok);
        }
        await DisposeAsync();
    }

    /// <summary>Ends the connection at once.</summary>
    public async ValueTask DisposeAsync()
    {
        // First the transport: it may have a word to say before it ends.
        await _transport.DisposeAsync();
        _reader.CancelPendingRead();
        foreach (var stream in _streams.Values)
            stream.Abort(new SpdyException("the connection was closed"));
    }

    internal async ValueTask SendReplyAsync(SpdyStream stream) => await _sender.SendReplyAsync(stream.Id);

    internal async ValueTask<int> SendDataAsync(SpdyStream stream, ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        var count = await _flow.TakeAsync(stream.Window, Math.Min(bytes.Length, FrameSender.LongestData), cancel);
        await _sender.SendDataAsync(stream.Id, SpdyFlags.None, bytes[..count], cancel);
        return count;
    }

    internal ValueTask SendFinishAsync(SpdyStream stream) => _sender.SendDataAsync(stream.Id, SpdyFlags.Finish, ReadOnlyMemory<byte>.Empty, CancellationToken.None);

    internal ValueTask SendResetAsync(int stream, SpdyResetReason reason) => _sender.PostAsync(target => SpdyFrameWriter.WriteReset(target, stream, reason));

    internal ValueTask SendPingAsync(uint id) => _sender.PostAsync(target => SpdyFrameWriter.WritePing(target, id));

    internal ValueTask SendWindowUpdateAsync(int stream, int more) => _sender.PostAsync(target => SpdyFrameWriter.WriteWindowUpdate(target, stream, more));

    internal SpdyStream? Find(int id) => _streams.GetValueOrDefault(id);

    /// <summary>A stream that the other side has opened.</summary>
    /// <returns>False where there are too many.</returns>
    internal bool TryAccept(int id, IReadOnlyDictionary<string, string> headers, SpdyFlags flags)
    {
        // Those that were reset before anyone took them count, too: they wait to be taken.
        if (_streams.Count >= _limits.MostStreams || _accepted.Reader.Count >= _limits.MostStreams)
            return false;
        var stream = new SpdyStream(this, id, headers, _limits.StreamBuffer);
        _streams[id] = stream;
        if ((flags & SpdyFlags.Finish) != 0)
            stream.FinishInput();
        return _accepted.Writer.TryWrite(stream);
    }

    /// <summary>Drops a stream that is over in both directions.</summary>
    internal void Forget(SpdyStream stream)
    {
        if (stream.IsOver)
            _streams.TryRemove(stream.Id, out _);
    }

    /// <summary>Whether a stream is not alone with its error stream.</summary>
    internal bool HasOthers => _streams.Count > 2;

    internal TimeProvider Time => _time;

    private async Task ReadAsync(FrameReceiver receiver)
    {
        var frames = new SpdyFrameReader();
        while (true)
        {
            if (!_reader.TryRead(out var result))
            {
                foreach (var (stream, more) in _flow.TakeFull())
                    await SendWindowUpdateAsync(stream, more);
                result = await _reader.ReadAsync(CancellationToken.None);
            }
            Touch();
            var buffer = result.Buffer;
            while (frames.TryRead(ref buffer, out var frame))
            {
                if (!await receiver.HandleAsync(frame))
                    return;
            }
            _reader.AdvanceTo(buffer.Start, buffer.End);
            if (result.IsCompleted || result.IsCanceled)
                return;
        }
    }

    /// <summary>One that reads nothing does not get to hear it.</summary>
    private async Task SayGoodByeAsync(SpdyGoAwayReason reason)
    {
        var saying = _sender.TrySendAsync(target => SpdyFrameWriter.WriteGoAway(target, 0, reason)).AsTask();
        await Task.WhenAny(saying, Task.Delay(_goodByeLimit, _time));
    }

    private void Touch() => LastActivity = _time.GetTimestamp();

    private void End(SpdyException reason)
    {
        _accepted.Writer.TryComplete();
        _ended.TrySetResult();
        foreach (var stream in _streams.Values)
            stream.Abort(reason);
    }
}
