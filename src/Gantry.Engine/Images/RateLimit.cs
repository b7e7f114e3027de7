namespace Gantry.Images;

/// <summary>
/// So many bytes a second, and no more than a quarter of a second's at once. Whoever takes is told how long to wait; shared
/// by all who take from it. Safe for use from several threads.
/// </summary>
public sealed class RateLimit(long bytesPerSecond, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly double _burst = bytesPerSecond / 4.0;
    private double _available = bytesPerSecond / 4.0;
    private long _last = time.GetTimestamp();

    /// <summary>Null where the limit is 0: none.</summary>
    public static RateLimit? Of(long bytesPerSecond, TimeProvider time) => bytesPerSecond > 0 ? new RateLimit(bytesPerSecond, time) : null;

    /// <summary>Takes bytes that were moved, and waits as long as they are too many.</summary>
    public async ValueTask TakeAsync(long bytes, CancellationToken cancel)
    {
        var wait = Reserve(bytes);
        if (wait > TimeSpan.Zero)
            await Task.Delay(wait, time, cancel);
    }

    /// <summary>As <see cref="TakeAsync"/>, for a thread that may be blocked.</summary>
    public void Take(long bytes, CancellationToken cancel)
    {
        var wait = Reserve(bytes);
        if (wait > TimeSpan.Zero && cancel.WaitHandle.WaitOne(wait))
            cancel.ThrowIfCancellationRequested();
    }

    internal TimeSpan Reserve(long bytes)
    {
        lock (_lock)
        {
            var now = time.GetTimestamp();
            _available = Math.Min(_burst, _available + time.GetElapsedTime(_last, now).TotalSeconds * bytesPerSecond);
            _last = now;
            _available -= bytes;
            return _available >= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(-_available / bytesPerSecond);
        }
    }
}
