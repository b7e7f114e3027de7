using Gantry.Cli;
using Gantry.Cli.Connection;
using Gantry.Cli.Options;
using Gantry.Cli.Output;
using Xunit;

namespace Gantry.UnitTests.Cli;

public sealed class TextTests
{
    [Theory]
    [InlineData("90", 90)]
    [InlineData("90s", 90)]
    [InlineData("1m30s", 90)]
    [InlineData("500ms", 0.5)]
    [InlineData("1.5h", 5400)]
    [InlineData("1d", 86400)]
    public void Duration_AsPeopleWriteIt_IsRead(string text, double seconds)
    {
        Assert.True(Duration.TryParse(text, out var duration));
        Assert.Equal(seconds, duration.TotalSeconds, 3);
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("1m30")]
    [InlineData("-5s")]
    [InlineData("5 s")]
    [InlineData("1e9")]
    [InlineData("99999d")]
    public void Duration_Others_AreNone(string text) => Assert.False(Duration.TryParse(text, out _));

    [Theory]
    [InlineData(0, "0B")]
    [InlineData(999, "999B")]
    [InlineData(1000, "1.0kB")]
    [InlineData(123_456, "123kB")]
    [InlineData(5_500_000, "5.5MB")]
    [InlineData(2e12, "2.0TB")]
    public void Size_Bytes_AreShort(double bytes, string expected) => Assert.Equal(expected, HumanText.Size(bytes));

    [Theory]
    [InlineData("unix:///run/x.sock", "/run/x.sock")]
    [InlineData("/run/x.sock", "/run/x.sock")]
    public void Endpoint_Sockets_AreTaken(string text, string path) => Assert.Equal(path, Endpoint.Choose(text, null).SocketPath);

    [Theory]
    [InlineData("tcp://1.2.3.4:5")]
    [InlineData("relative.sock")]
    [InlineData("")]
    public void Endpoint_Others_AreUsageErrors(string text) => Assert.Equal(ExitCode.Usage, Assert.Throws<CommandException>(() => Endpoint.Choose(text, null)).ExitCode);

    [Fact]
    public void Endpoint_TooLong_IsSaid() => Assert.Contains("107", Assert.Throws<CommandException>(() => Endpoint.Choose("/" + new string('x', 107), null)).Message, StringComparison.Ordinal);

    [Fact]
    public void Endpoint_OptionThenEnvironmentThenDefault_IsTheOrder()
    {
        Assert.Equal("/a", Endpoint.Choose("/a", "/b").SocketPath);
        Assert.Equal("/b", Endpoint.Choose(null, "/b").SocketPath);
        Assert.Equal("/run/gantry/gantry.sock", Endpoint.Choose(null, "").SocketPath);
    }

    [Fact]
    public void PlainText_ControlCharacters_CannotDriveTheTerminal()
    {
        Assert.Equal("a\uFFFD[31mb c d", PlainText.Of("a\u001b[31mb\nc\td"));
        Assert.Equal("a\nb", PlainText.OfLines("a\nb"));
        Assert.Equal("\uFFFD", PlainText.Of("\u009b"));
    }

    [Fact]
    public void Age_Times_AreShort()
    {
        var now = DateTimeOffset.UnixEpoch.AddDays(10);
        string Age(TimeSpan ago) => HumanText.Age((now - ago - DateTimeOffset.UnixEpoch).Ticks * 100, now);

        Assert.Equal("-", HumanText.Age(0, now));
        Assert.Equal(["5s", "119s", "2m5s", "15m", "3h2m", "47h", "5d"], new[] { 5, 119, 125, 900, 10920, 47 * 3600, 5 * 86400 }.Select(seconds => Age(TimeSpan.FromSeconds(seconds))));
    }
}
