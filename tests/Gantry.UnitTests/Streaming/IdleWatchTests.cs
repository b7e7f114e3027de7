using Gantry.Streaming;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gantry.UnitTests.Streaming;

public sealed class IdleWatchTests
{
    [Fact]
    public void Watch_SomethingMovesInTime_EndsOnlyWhenNothingDoes()
    {
        var time = new FakeTimeProvider();
        var last = time.GetTimestamp();
        var ends = 0;
        using var watch = new IdleWatch(TimeSpan.FromHours(4), () => last, () => ends++, time);

        for (var n = 0; n < 5; n++)
        {
            time.Advance(TimeSpan.FromHours(3));
            last = time.GetTimestamp();
        }
        Assert.Equal(0, ends);
        time.Advance(TimeSpan.FromHours(3.9));
        Assert.Equal(0, ends);
        time.Advance(TimeSpan.FromHours(0.2));
        Assert.Equal(1, ends);
    }

    [Fact]
    public void Dispose_BeforeTheLimit_EndsNothing()
    {
        var time = new FakeTimeProvider();
        var ends = 0;

        new IdleWatch(TimeSpan.FromHours(4), () => 0, () => ends++, time).Dispose();

        time.Advance(TimeSpan.FromHours(40));
        Assert.Equal(0, ends);
    }
}
