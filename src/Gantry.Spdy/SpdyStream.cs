using System.Buffers;
using System.IO.Pipelines;

namespace Gantry.Spdy;

/// <summary>
/// One stream of a connection: two directions that end independently. Input that nobody reads is bounded; completing
/// <see cref="Input"/> means that it is not wanted, and what still comes is dropped.
/// </summary>
public sealed class SpdyStream
{
    private readonly Lock _inputLock = new();
    private readonly SpdyConnection _connection;
    private readonly Pipe _input;
    private readonly FailingReader _reader;
    private readonly TaskCompletionSource _replied = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _reset = new();
    private volatile bool _isInputOver;
    private int _isOutputOver;

    internal SpdyStream(SpdyConnection connection, int id, IReadOnlyDictionary<string, string> headers, int buffer)
    {
        _connection = connection;
        Id = id;
        Headers = headers;
        Window = new FlowControl.Window(id);
        _input = new Pipe(new PipeOptions(pauseWriterThreshold: buffer, resumeWriterThreshold: buffer / 2, useSynchronizationContext: false));
        _reader = new FailingReader(_input.Reader);
    }

    /// <summary>Odd where the client opened it.</summary>
    public int Id { get; }

    /// <summary>Those it was opened with; names are compared without their case.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; }

    /// <summary>
    /// What the other side sends; it completes when that side finishes, and behind the last byte with a
    /// <see cref="SpdyException"/> when the stream is reset or the connection ends.
    /// </summary>
    public PipeReader Input => _reader;

    internal FlowControl.Window Window { get; }

    internal bool IsOver => _isInputOver && Volatile.Read(ref _isOutputOver) != 0;

    internal Task Replied => _replied.Task;

    /// <summary>Accepts a stream that the other side has opened.</summary>
    public ValueTask ReplyAsync() => _connection.SendReplyAsync(this);

    /// <summary>Sends bytes; waits while the connection or the other side's windows take none.</summary>
    /// <exception cref="SpdyException">The stream was reset, or the connection is over.</exception>
    /// <exception cref="OperationCanceledException">The token ended a wait; a part may have been sent.</exception>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        while (!bytes.IsEmpty)
        {
            ThrowIfOutputIsOver();
            using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, _reset.Token);
            try
            {
                var count = await _connection.SendDataAsync(this, bytes, both.Token);
                bytes = bytes[count..];
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                ThrowIfOutputIsOver();
                throw;
            }
        }
    }

    /// <summary>Tells the other side that nothing more will be sent; once, and not on a stream that is over.</summary>
    public async ValueTask FinishAsync()
    {
        if (Interlocked.Exchange(ref _isOutputOver, 1) != 0)
            return;
        await _connection.SendFinishAsync(this);
        _connection.Forget(this);
    }

    /// <summary>Ends both directions at once.</summary>
    public async ValueTask ResetAsync(SpdyResetReason reason)
    {
        if (IsOver)
            return;
        Abort(new SpdyException($"stream {Id} was given up"));
        await _connection.SendResetAsync(Id, reason);
    }

    /// <summary>The other side has accepted the stream.</summary>
    internal void SetReplied() => _replied.TrySetResult();

    /// <summary>Puts bytes before the reader.</summary>
    /// <returns>Completes when the reader has taken enough for more.</returns>
    internal ValueTask<FlushResult> ReceiveAsync(in ReadOnlySequence<byte> bytes)
    {
        lock (_inputLock)
        {
            if (_isInputOver)
                return ValueTask.FromResult(default(FlushResult));
            foreach (var piece in bytes)
                _input.Writer.Write(piece.Span);
            return _input.Writer.FlushAsync(CancellationToken.None);
        }
    }

    internal void CancelReceive() => _input.Writer.CancelPendingFlush();

    internal void FinishInput(SpdyException? failure = null)
    {
        lock (_inputLock)
        {
            if (_isInputOver)
                return;
            _isInputOver = true;
            _reader.SetFailure(failure);
            _input.Writer.Complete();
        }
    }

    /// <summary>The stream is over in both directions, and says so to whoever uses it.</summary>
    internal void Abort(SpdyException reason)
    {
        Volatile.Write(ref _isOutputOver, 1);
        FinishInput(reason);
        CancelReceive();
        _replied.TrySetException(reason);
        _ = Replied.Exception;
        _reset.Cancel();
        _connection.Forget(this);
    }

    private void ThrowIfOutputIsOver()
    {
        if (Volatile.Read(ref _isOutputOver) != 0)
            throw new SpdyException($"stream {Id} takes no more: it was reset, or finished");
    }
}
