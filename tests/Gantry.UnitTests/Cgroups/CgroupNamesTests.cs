using System.Text.RegularExpressions;
using Gantry.Cgroups;
using Gantry.Identity;
using Xunit;

namespace Gantry.UnitTests.Cgroups;

/// <summary>Readers of a node know containers by the names of their cgroups.</summary>
public sealed partial class CgroupNamesTests
{
    [Theory]
    [InlineData("/kubepods/burstable/pod5c1f")]
    [InlineData("kubepods/besteffort/pod5c1f/")]
    [InlineData("/")]
    [InlineData("")]
    public void ForContainer_LastElement_IsTheBareId(string parent)
    {
        var id = ContainerId.New();

        var path = CgroupPath.ForContainer(CgroupPath.ForPod(parent, PodId.New()), id);

        Assert.StartsWith("/", path, StringComparison.Ordinal);
        Assert.DoesNotContain("//", path, StringComparison.Ordinal);
        Assert.Equal(id.Value, path[(path.LastIndexOf('/') + 1)..]);
        // cAdvisor's for containerd and CRI-O, and Falco's for a CRI: 64 hexadecimal digits as the last element.
        Assert.Matches(CAdvisor(), path);
        Assert.Matches(Falco(), path);
    }

    [Fact]
    public void ForPod_WithoutAParent_IsBelowGantrysOwn()
    {
        var id = PodId.New();

        Assert.Equal($"/gantry/pod{id.Value}", CgroupPath.ForPod("", id));
    }

    [Fact]
    public void Parse_Mounts_TellTheHierarchy()
    {
        const string V1 = "25 24 0:22 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n26 24 0:23 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory";
        const string V2 = "25 24 0:22 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate";

        var v1 = CgroupHierarchy.Parse(V1.Split('\n'));
        var v2 = CgroupHierarchy.Parse(V2.Split('\n'));
        var hybrid = CgroupHierarchy.Parse([.. V1.Split('\n'), "27 24 0:24 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw"]);

        Assert.Equal((CgroupMode.V1, CgroupMode.V2, CgroupMode.Hybrid), (v1.Mode, v2.Mode, hybrid.Mode));
        Assert.Equal("/sys/fs/cgroup/cpu,cpuacct/x", v1.Folder("cpuacct", "/x"));
        Assert.Null(v1.Folder("pids", "/x"));
        Assert.Equal("/sys/fs/cgroup/x", v2.Folder("memory", "/x"));
    }

    [GeneratedRegex("(?:.*-)?([a-z0-9]{64})(?:\\.scope)?$")]
    private static partial Regex CAdvisor();

    [GeneratedRegex("/(?:crio-|cri-containerd-)?([0-9a-f]{64})(?:\\.scope)?$")]
    private static partial Regex Falco();
}
