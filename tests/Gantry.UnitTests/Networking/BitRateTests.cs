using Gantry.Networking;
using Xunit;

namespace Gantry.UnitTests.Networking;

public sealed class BitRateTests
{
    [Theory]
    [InlineData("10M", 10_000_000)]
    [InlineData("1Gi", 1L << 30)]
    [InlineData("500k", 500_000)]
    [InlineData("7", 7)]
    public void TryParse_Rates_AreRead(string text, long expected)
    {
        Assert.True(BitRate.TryParse(text, out var bits));
        Assert.Equal(expected, bits);
    }

    [Theory]
    [InlineData("")]
    [InlineData("M")]
    [InlineData("-1M")]
    [InlineData("0")]
    [InlineData("1.5M")]
    [InlineData("10 M")]
    [InlineData("99999999999999999999")]
    [InlineData("9999999999999G")]
    public void TryParse_Others_AreNone(string text) => Assert.False(BitRate.TryParse(text, out _));
}
