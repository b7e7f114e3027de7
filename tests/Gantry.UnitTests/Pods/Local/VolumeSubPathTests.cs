using Gantry.Faults;
using Gantry.Pods.Local;
using Xunit;

namespace Gantry.UnitTests.Pods.Local;

public sealed class VolumeSubPathTests : IDisposable
{
    private readonly string _volume = Directory.CreateTempSubdirectory("gantry-volume-").FullName;

    public void Dispose() => Directory.Delete(_volume, recursive: true);

    [Fact]
    public void Resolve_NothingThere_MakesDirectories()
    {
        Assert.Equal($"{_volume}/a/b", VolumeSubPath.Resolve(_volume, "a/./b/"));
        Assert.True(Directory.Exists($"{_volume}/a/b"));
    }

    [Fact]
    public void Resolve_FileAtTheEnd_IsIt()
    {
        File.WriteAllText($"{_volume}/file", "x");

        Assert.Equal($"{_volume}/file", VolumeSubPath.Resolve(_volume, "file"));
    }

    [Theory]
    [InlineData("link")]
    [InlineData("link/passwd")]
    [InlineData("dangling")]
    [InlineData("file/below")]
    public void Resolve_LinkOrFileInTheWay_IsRefused(string subPath)
    {
        File.CreateSymbolicLink($"{_volume}/link", "/etc");
        File.CreateSymbolicLink($"{_volume}/dangling", "/nonexistent/x");
        File.WriteAllText($"{_volume}/file", "x");

        Assert.Throws<WrongStateException>(() => VolumeSubPath.Resolve(_volume, subPath));
        Assert.False(Directory.Exists("/nonexistent"));
    }
}
