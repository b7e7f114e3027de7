using Gantry.Containers;
using Gantry.Containers.Selinux;
using Gantry.Faults;
using Xunit;

namespace Gantry.UnitTests.Containers.Selinux;

public sealed class LabelSyntaxTests
{
    [Theory]
    [InlineData("x y", "", "", "", "user")]
    [InlineData("", "system_r,", "", "", "role")]
    [InlineData("", "", "container_t:s0", "", "type")]
    [InlineData("", "", "container_t\"", "", "type")]
    [InlineData("", "", "container_t\n", "", "type")]
    [InlineData("", "", "-t", "", "type")]
    [InlineData("", "", "\u00e4_t", "", "type")]
    [InlineData("", "", "", "x y", "level")]
    [InlineData("", "", "", "s0:c1,c2 ", "level")]
    [InlineData("", "", "", "s0:c1,c2\n", "level")]
    [InlineData("", "", "", "s0:", "level")]
    [InlineData("", "", "", "s0:c1,", "level")]
    [InlineData("", "", "", "s0:c10000", "level")]
    [InlineData("", "", "", "s0:c1,c2\",rw,x=\"", "level")]
    [InlineData("", "", "", "s0-s0-s0", "level")]
    [InlineData("", "", "", "c1,c2", "level")]
    public void Check_MalformedPart_IsNamed(string user, string role, string type, string level, string part)
    {
        var failure = Assert.Throws<InvalidRequestException>(() => LabelSyntax.Check("container web", new SelinuxLabel(user, role, type, level)));

        Assert.StartsWith($"container web: SELinux {part} '", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_EndlessPart_IsRefused() =>
        Assert.Throws<InvalidRequestException>(() => LabelSyntax.Check("container web", new SelinuxLabel("", "", new string('t', 5000), "")));

    [Theory]
    [InlineData("s0")]
    [InlineData("s0:c1")]
    [InlineData("s0:c1,c2")]
    [InlineData("s15:c0.c1023")]
    [InlineData("s0:c1.c3,c7,c9.c11")]
    [InlineData("s0-s0:c0.c1023")]
    [InlineData("s0:c1-s2:c1,c2")]
    [InlineData("")]
    public void Check_Level_IsFine(string level) => LabelSyntax.Check("container web", new SelinuxLabel("system_u", "system_r", "my-type.v2", level));

    [Fact]
    public void Check_None_IsFine() => LabelSyntax.Check("container web", null);
}
