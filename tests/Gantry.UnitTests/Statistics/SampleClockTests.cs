using Gantry.Statistics;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gantry.UnitTests.Statistics;

public sealed class SampleClockTests
{
    private readonly SettableTime _time = new();
    private readonly SampleClock _clock;

    public SampleClockTests() => _clock = new SampleClock(_time);

    [Fact]
    public void Next_AtTheSameMoment_IsNewerEachTime()
    {
        var first = _clock.Next();

        Assert.Equal(first + 1, _clock.Next());
        Assert.Equal(first + 2, _clock.Next());
    }

    [Fact]
    public void Next_ClockSetBack_GoesOnAndMeetsTheClockAgain()
    {
        var before = _clock.Next();
        _time.SetBack(TimeSpan.FromSeconds(10));
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(before + 900_000_000, _clock.Next());

        for (var n = 0; n < 200; n++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            _clock.Next();
        }
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((_time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100, _clock.Next());
    }

    [Fact]
    public void Next_ManyThreads_NoStampComesTwice()
    {
        var stamps = new System.Collections.Concurrent.ConcurrentBag<long>();

        Parallel.For(0, 1000, _ => stamps.Add(_clock.Next()));

        Assert.Equal(1000, stamps.Distinct().Count());
    }

    /// <summary>A wall clock that can be set back while time itself goes on.</summary>
    private sealed class SettableTime : TimeProvider
    {
        private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeSeconds(1_700_000_000));
        private TimeSpan _back;

        public override long TimestampFrequency => _time.TimestampFrequency;

        public void SetBack(TimeSpan by) => _back += by;

        public void Advance(TimeSpan by) => _time.Advance(by);

        public override DateTimeOffset GetUtcNow() => _time.GetUtcNow() - _back;

        public override long GetTimestamp() => _time.GetTimestamp();
    }
}
