using Gantry.Statistics;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gantry.UnitTests.Statistics;

public sealed class CpuHistoryTests
{
    private const ulong Second = 1_000_000_000;
    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeSeconds(1_700_000_000));
    private readonly CpuHistory _history = new();
    private readonly SampleClock _clock;

    public CpuHistoryTests() => _clock = new SampleClock(_time);

    [Fact]
    public void Take_FirstSample_HasNoRate() => Assert.Null(_history.Take(5 * Second, _clock).NanoCores);

    [Fact]
    public void Take_TenSecondsLater_RateIsThatOfTheTenSeconds()
    {
        _history.Take(Second, _clock);
        _time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(Second / 2, _history.Take(6 * Second, _clock).NanoCores);
    }

    [Fact]
    public void Take_ManyReaders_DoNotShortenEachOthersWindow()
    {
        ulong usage = 0;
        for (var n = 0; n < 100; n++)
        {
            // Half a core, read every tenth of a second.
            _history.Take(usage, _clock);
            _time.Advance(TimeSpan.FromMilliseconds(100));
            usage += Second / 20;
        }

        Assert.InRange(_history.Take(usage, _clock).NanoCores!.Value, (Second / 2) - 1000, (Second / 2) + 1000);
    }

    [Fact]
    public void Take_SecondSampleTooSoon_HasNoRate()
    {
        _history.Take(0, _clock);
        _time.Advance(TimeSpan.FromMilliseconds(20));

        Assert.Null(_history.Take(Second, _clock).NanoCores);
    }

    [Fact]
    public void Take_AfterALongSilence_HasNoRate()
    {
        _history.Take(0, _clock);
        _time.Advance(TimeSpan.FromMinutes(10));

        Assert.Null(_history.Take(Second, _clock).NanoCores);
    }

    [Fact]
    public void Take_SmallerValue_UsageStays()
    {
        _history.Take(5 * Second, _clock);
        _time.Advance(TimeSpan.FromSeconds(2));

        var sample = _history.Take(4 * Second, _clock);

        Assert.Equal(5 * Second, sample.UsageNanoseconds);
        Assert.Equal(0UL, sample.NanoCores);
    }
}
