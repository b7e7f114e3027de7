using System.Collections.Concurrent;

namespace Gantry.UnitTests.Fakes;

/// <summary>A clock on which nobody waits: whoever asks for a delay gets it at once, and the clock has moved on by it.</summary>
internal sealed class SkippingTime : TimeProvider
{
    private readonly DateTimeOffset _start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly ConcurrentQueue<TimeSpan> _waits = [];
    private long _ticks;

    /// <summary>The delays that were asked for.</summary>
    public IReadOnlyList<TimeSpan> Waits => [.. _waits];

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => _start.AddTicks(Interlocked.Read(ref _ticks));

    public override long GetTimestamp() => Interlocked.Read(ref _ticks);

    public void Advance(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new SkippingTimer(this, callback, state, dueTime);

    private sealed class SkippingTimer : ITimer
    {
        private readonly SkippingTime _time;
        private readonly ITimer _timer;

        public SkippingTimer(SkippingTime time, TimerCallback callback, object? state, TimeSpan dueTime)
        {
            _time = time;
            _timer = System.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            Change(dueTime, Timeout.InfiniteTimeSpan);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime == Timeout.InfiniteTimeSpan)
                return _timer.Change(dueTime, period);
            _time._waits.Enqueue(dueTime);
            _time.Advance(dueTime);
            return _timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }

        public void Dispose() => _timer.Dispose();

        public ValueTask DisposeAsync() => _timer.DisposeAsync();
    }
}
