namespace Gantry.Statistics;

/// <summary>CPU time at a moment.</summary>
/// <param name="At">Nanoseconds since the epoch, when it was read.</param>
/// <param name="UsageNanoseconds">All that was ever used; never less than in an earlier sample.</param>
/// <param name="NanoCores">
/// Nanoseconds used a second, lately: since the last sample that is a second old or more. Null while there is none.
/// </param>
public readonly record struct CpuSample(long At, ulong UsageNanoseconds, ulong? NanoCores);

/// <summary>
/// The last samples of one cgroup's CPU time. Rates come from the calls that ask for samples anyway: a node that nobody asks
/// does nothing.
/// </summary>
internal sealed class CpuHistory
{
    private const long Second = 1_000_000_000;

    /// <summary>Of the first two samples, that they give any rate.</summary>
    private const long ShortestWindow = Second / 10;

    private const long LongestWindow = 300 * Second;

    private readonly Lock _lock = new();
    private ulong _highest;
    private (long At, ulong Usage) _newer;
    private (long At, ulong Usage) _older;

    /// <summary>Notes what has just been read.</summary>
    public CpuSample Take(ulong usage, SampleClock clock)
    {
        lock (_lock)
        {
            // Stamped in here: of two readers at once, the later stamp has the higher usage.
            var at = clock.Next();
            _highest = Math.Max(_highest, usage);
            var sample = new CpuSample(at, _highest, Rate(at));
            // Samples are kept a second apart, so that many readers do not make each other's window short.
            if (at - _newer.At >= Second)
            {
                _older = _newer;
                _newer = (at, _highest);
            }
            return sample;
        }
    }

    private ulong? Rate(long at)
    {
        var from = at - _newer.At >= Second || _older.At == 0 ? _newer : _older;
        var window = at - from.At;
        return from.At == 0 || window is < ShortestWindow or > LongestWindow
            ? null
            : (ulong)((_highest - from.Usage) * (double)Second / window);
    }
}
