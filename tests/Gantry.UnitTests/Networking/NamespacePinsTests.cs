using Gantry.Identity;
using Gantry.Networking;
using Gantry.Persistence;
using Xunit;

namespace Gantry.UnitTests.Networking;

public sealed class NamespacePinsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gantry-pins-").FullName;
    private readonly PodId _pod = PodId.New();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void PathOf_FileWithoutANamespaceOnIt_IsEmpty()
    {
        var paths = new NodePaths(_folder, _folder);
        var pins = new NamespacePins(paths);
        Assert.Equal("", pins.PathOf(_pod, "net"));
        Directory.CreateDirectory(paths.PodState(_pod));
        File.WriteAllText(paths.PodNamespace(_pod, "net"), "");

        Assert.Equal("", pins.PathOf(_pod, "net"));
    }
}
