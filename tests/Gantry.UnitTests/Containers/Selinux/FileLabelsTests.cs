using Gantry.Containers;
using Gantry.Containers.Selinux;
using Gantry.Faults;
using Xunit;

namespace Gantry.UnitTests.Containers.Selinux;

public sealed class FileLabelsTests
{
    private static readonly string[] _own = ["/data/gantry", "/run/gantry"];

    [Theory]
    [InlineData("/")]
    [InlineData("/etc")]
    [InlineData("/etc/")]
    [InlineData("/usr")]
    [InlineData("/usr/bin")]
    [InlineData("/home")]
    [InlineData("/root")]
    [InlineData("/var/lib")]
    [InlineData("/var/lib/kubelet")]
    [InlineData("/proc")]
    [InlineData("/proc/sys")]
    [InlineData("/sys/fs/cgroup")]
    [InlineData("/data")]
    [InlineData("/data/gantry")]
    [InlineData("/run/gantry")]
    public void SetVolume_OfTheNode_IsRefused(string path)
    {
        var mount = new MountSpec("/in", path) { SelinuxRelabel = true };

        var failure = Assert.Throws<InvalidRequestException>(() => FileLabels.SetVolume("web", mount, path, SelinuxNode.File, _own, CancellationToken.None));

        Assert.StartsWith($"container web: mount /in asks for {path} to be relabelled", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/home/somebody")]
    [InlineData("/var/lib/kubelet/pods/1/volumes/2")]
    [InlineData("/data/gantry/pods/1/volumes/2")]
    [InlineData("/data/gantry2")]
    [InlineData("/procs")]
    public void IsOfNode_VolumeOfAPod_IsNot(string path) => Assert.False(FileLabels.IsOfNode(path, _own));
}
