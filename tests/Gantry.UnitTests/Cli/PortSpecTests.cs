using Gantry.Cli;
using Gantry.Cli.Streaming;
using Xunit;

namespace Gantry.UnitTests.Cli;

public sealed class PortSpecTests
{
    [Theory]
    [InlineData("8080:80", 8080, 80)]
    [InlineData("80", 80, 80)]
    [InlineData(":80", 0, 80)]
    [InlineData("0:80", 0, 80)]
    public void Parse_APort_GivesBothSides(string text, int local, int remote) => Assert.Equal(new PortSpec(local, remote), PortSpec.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData(":")]
    [InlineData("80:")]
    [InlineData("0")]
    [InlineData("1:2:3")]
    [InlineData("65536")]
    [InlineData("-1:80")]
    [InlineData("http")]
    [InlineData("80:0")]
    public void Parse_AnythingElse_IsAUsageError(string text) => Assert.Throws<CommandException>(() => PortSpec.Parse(text));
}
