using Gantry.Configuration;
using Gantry.Faults;
using Xunit;

namespace Gantry.UnitTests.Configuration;

public sealed class HandlerConfigTests : IDisposable
{
    private readonly string _file = Path.Combine(Directory.CreateTempSubdirectory("config").FullName, "config.toml");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_file)!, recursive: true);

    [Fact]
    public void Load_PathAlone_IsAHandlerBesideTheOthers()
    {
        var config = Load("""
            [runtime.handlers]
            youki = "/usr/bin/youki"
            """);

        Assert.Equal(["crun", "runc", "youki"], config.Handlers.Keys.Order());
        Assert.Equal("/usr/bin/youki", config.Handlers["youki"].Path);
    }

    [Fact]
    public void Load_Table_HasEveryKey()
    {
        var handler = Load("""
            [runtime.handlers.mine]
            path = "/usr/bin/mine"
            type = "oci"
            arguments = ["--debug"]
            environment = ["A=b", "C="]
            allowed_annotations = ["run.oci.*"]
            privileged_without_host_devices = true
            """).Handlers["mine"];

        Assert.Equal("/usr/bin/mine", handler.Path);
        Assert.Equal(["--debug"], handler.Arguments);
        Assert.Equal(["A=b", "C="], handler.Environment);
        Assert.Equal(["run.oci.*"], handler.AllowedAnnotations);
        Assert.True(handler.PrivilegedWithoutHostDevices);
    }

    [Fact]
    public void Load_OneKeyOfADefaultHandler_KeepsItsPath() =>
        Assert.Equal("/usr/bin/crun", Load("runtime.handlers.crun.arguments = [\"--debug\"]").Handlers["crun"].Path);

    [Theory]
    [InlineData("arguments = [\"--debug\"]", "runtime.handlers.mine has no path")]
    [InlineData("path = \"mine\"", "an absolute path")]
    [InlineData("path = \"/m\"\ntype = \"vm\"", "oci")]
    [InlineData("path = \"/m\"\nenvironment = [\"A\"]", "NAME=value")]
    [InlineData("path = \"/m\"\ncolour = \"red\"", "'runtime.handlers.mine.colour' is no key")]
    public void Load_WrongTable_SaysWhatIsWrong(string lines, string words) =>
        Assert.Contains(words, Assert.Throws<InvalidRequestException>(() => Load($"[runtime.handlers.mine]\n{lines}\n")).Message, StringComparison.Ordinal);

    private GantryConfig Load(string text)
    {
        File.WriteAllText(_file, text);
        return ConfigFile.Load(_file);
    }
}
