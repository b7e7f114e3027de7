using System.IO.Pipelines;

namespace Gantry.Spdy;

/// <summary>
/// A reader that hands out what came before a failure, and throws the failure only then. A pipe itself throws at once, and
/// what was received and not read yet would be lost: a server may send a status and reset the stream behind it.
/// </summary>
internal sealed class FailingReader(PipeReader inner) : PipeReader
{
    private SpdyException? _failure;
    private long _shown = -1;

    /// <summary>What the end of the input is; before the writer completes.</summary>
    public void SetFailure(SpdyException? failure) => Volatile.Write(ref _failure, failure);

    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => Show(await inner.ReadAsync(cancellationToken));

    public override bool TryRead(out ReadResult result)
    {
        if (!inner.TryRead(out var read))
        {
            result = default;
            return false;
        }
        result = Show(read);
        return true;
    }

    public override void AdvanceTo(SequencePosition consumed) => inner.AdvanceTo(consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => inner.AdvanceTo(consumed, examined);

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    private ReadResult Show(ReadResult read)
    {
        if (!read.IsCompleted || Volatile.Read(ref _failure) is not { } failure)
            return read;
        // Nothing more comes: a reader that takes nothing of what it has been shown waits for the failure.
        if (read.Buffer.IsEmpty || read.Buffer.Length == _shown)
        {
            inner.AdvanceTo(read.Buffer.Start);
            throw failure;
        }
        _shown = read.Buffer.Length;
        return new ReadResult(read.Buffer, read.IsCanceled, isCompleted: false);
    }
}
