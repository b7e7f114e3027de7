using Gantry.Containers;
using Gantry.Containers.SpecBuilding;
using Gantry.Faults;
using Gantry.Images.Manifests;
using Xunit;

namespace Gantry.UnitTests.Containers.SpecBuilding;

public sealed class ProcessPartsTests
{
    [Theory]
    [InlineData("e1", "c1", "", "", "e1 c1")]
    [InlineData("e1 e2", "c1", "", "a1", "e1 e2 a1")]
    [InlineData("e1", "c1", "x1", "", "x1")]
    [InlineData("e1", "c1", "x1", "a1 a2", "x1 a1 a2")]
    [InlineData("", "c1 c2", "", "", "c1 c2")]
    [InlineData("", "c1", "", "a1", "a1")]
    public void Arguments_OfImageAndRequest_AreThoseOfDocker(string entrypoint, string command, string asked, string arguments, string expected)
    {
        var image = new ImageConfig { Entrypoint = Words(entrypoint), Command = Words(command) };

        var all = ProcessParts.Arguments(Spec() with { Command = Words(asked), Arguments = Words(arguments) }, image);

        Assert.Equal(expected, string.Join(' ', all));
    }

    [Fact]
    public void Arguments_EmptyEntrypoint_IsNone()
    {
        var image = new ImageConfig { Entrypoint = [""], Command = ["c"] };

        Assert.Equal(["c"], ProcessParts.Arguments(Spec(), image));
    }

    [Fact]
    public void Arguments_NothingAtAll_IsRefusedWithTheRemedy()
    {
        var failure = Assert.Throws<InvalidRequestException>(() => ProcessParts.Arguments(Spec(), new ImageConfig()));

        Assert.Contains("no command is specified", failure.Message, StringComparison.Ordinal);
        Assert.Contains("give it a command", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Arguments_WithNul_AreRefused() =>
        Assert.Throws<InvalidRequestException>(() => ProcessParts.Arguments(Spec() with { Command = ["sh", "a\0b"] }, new ImageConfig()));

    [Fact]
    public void Environment_RequestOverImage_AndDefaultsBelowBoth()
    {
        var image = new ImageConfig { Env = ["PATH=/image", "A=image", "EMPTY"] };
        var spec = Spec() with { Environment = [new EnvironmentVariable("A", "asked"u8.ToArray()), new EnvironmentVariable("B", "x=y"u8.ToArray())], Terminal = true };

        var variables = ProcessParts.Environment(spec, image, new ResolvedUser(1000, 1000, []) { Home = "/home/app" }, "host");

        Assert.Equal(["PATH=/image", "HOSTNAME=host", "TERM=xterm", "A=asked", "EMPTY=", "B=x=y", "HOME=/home/app"], variables);
    }

    [Fact]
    public void Environment_HomeOfTheImage_IsKept()
    {
        var image = new ImageConfig { Env = ["HOME=/srv"] };

        Assert.Contains("HOME=/srv", ProcessParts.Environment(Spec(), image, new ResolvedUser(0, 0, []) { Home = "/root" }, ""));
    }

    [Theory]
    [InlineData("", "", "/")]
    [InlineData("/asked", "/image", "/asked")]
    [InlineData("", "/image", "/image")]
    [InlineData("", "relative", "/relative")]
    [InlineData("/a/../b", "", "/b")]
    [InlineData("/../../x", "", "/x")]
    public void WorkingDirectory_OfRequestImageOrRoot_IsAbsolute(string asked, string image, string expected) =>
        Assert.Equal(expected, ProcessParts.WorkingDirectory(Spec() with { WorkingDirectory = asked }, new ImageConfig { WorkingDirectory = image }));

    [Theory]
    [InlineData("/proc/self/fd/7")]
    [InlineData("/proc/self/fd/7/../..")]
    [InlineData("proc/1/root")]
    [InlineData("/sys/fs")]
    [InlineData("/a/../proc/self/cwd")]
    [InlineData("//proc/self")]
    public void WorkingDirectory_BelowProcOrSys_IsRefused(string image) =>
        Assert.Throws<InvalidRequestException>(() => ProcessParts.WorkingDirectory(Spec(), new ImageConfig { WorkingDirectory = image }));

    private static ContainerSpec Spec() => new() { Name = "web", Image = new ImageSource("nginx") };

    private static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
