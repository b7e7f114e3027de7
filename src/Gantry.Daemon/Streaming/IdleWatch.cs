namespace Gantry.Streaming;

/// <summary>Ends a session over which nothing has moved for too long.</summary>
internal sealed class IdleWatch : IDisposable
{
    private readonly Func<long> _lastActivity;
    private readonly Action _end;
    private readonly TimeSpan _limit;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;

    /// <param name="limit">How long nothing may move.</param>
    /// <param name="lastActivity">A time stamp of <paramref name="time"/>.</param>
    /// <param name="end">Called once, when it is too long.</param>
    public IdleWatch(TimeSpan limit, Func<long> lastActivity, Action end, TimeProvider time)
    {
        _limit = limit;
        _lastActivity = lastActivity;
        _end = end;
        _time = time;
        // It starts when it can be stopped: the field is set before the first tick.
        _timer = time.CreateTimer(_ => Tick(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(limit, Timeout.InfiniteTimeSpan);
    }

    public void Dispose() => _timer.Dispose();

    private void Tick()
    {
        var left = _limit - _time.GetElapsedTime(_lastActivity());
        try
        {
            if (left > TimeSpan.Zero)
                _timer.Change(left, Timeout.InfiniteTimeSpan);
            else
                _end();
        }
        catch (ObjectDisposedException)
        {
            // The session ended at this moment.
        }
    }
}
