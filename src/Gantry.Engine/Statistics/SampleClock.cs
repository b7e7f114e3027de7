using Gantry.Persistence;

namespace Gantry.Statistics;

/// <summary>
/// Time stamps of samples: wall-clock time, and newer each time. Readers divide by the difference of two of them, and leave
/// out a sample that is not newer than the last.
/// </summary>
public sealed class SampleClock(TimeProvider time)
{
    private readonly Lock _lock = new();
    private long _last;
    private long _lastTick;

    /// <summary>Nanoseconds since the epoch, more than ever before.</summary>
    public long Next()
    {
        lock (_lock)
        {
            var now = time.Nanoseconds();
            var tick = time.GetTimestamp();
            if (now <= _last)
            {
                // The clock was set back. Going on a little slower than time itself keeps rates true within a tenth, and
                // meets the clock again.
                var passed = (long)time.GetElapsedTime(_lastTick, tick).TotalNanoseconds;
                now = _last + Math.Max(1, passed - passed / 10);
            }
            _last = now;
            _lastTick = tick;
            return now;
        }
    }
}
