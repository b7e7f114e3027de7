using Gantry.Cgroups;
using Gantry.Containers;
using Gantry.Containers.Selinux;
using Gantry.Containers.SpecBuilding;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Images.Manifests;
using Gantry.Oci.Spec;
using Xunit;

namespace Gantry.UnitTests.Containers.SpecBuilding;

public sealed class SpecBuilderTests
{
    private static readonly CgroupHierarchy _v1 = new(CgroupMode.V1, ["/sys/fs/cgroup/memory"]);
    private static readonly CgroupHierarchy _v2 = new(CgroupMode.V2, ["/sys/fs/cgroup"]);

    [Fact]
    public void Build_Devices_AreForbiddenButForTheStandardOnes()
    {
        var rules = Build(Spec()).Linux.Resources!.Devices!;

        Assert.Equal((false, "rwm"), (rules[0].Allow, rules[0].Access));
        Assert.DoesNotContain(rules.Skip(1), rule => rule is { Allow: true, Type: "b" } && rule.Access != "m");
        Assert.Contains(rules, rule => rule is { Allow: true, Type: "c", Major: 1, Minor: 3, Access: "rwm" });
    }

    [Fact]
    public void Build_PodAnnotations_AreNotHandedToTheRuntime()
    {
        var spec = Spec() with { Annotations = new Dictionary<string, string> { ["org.systemd.property.ExecStartPre"] = "x", ["run.oci.keep_original_groups"] = "1" } };

        Assert.All(Build(spec).Annotations!.Keys, key => Assert.StartsWith("io.kubernetes.cri.", key, StringComparison.Ordinal));
    }

    [Fact]
    public void Build_Capabilities_AreNeitherInheritableNorAmbient()
    {
        var sets = Build(Spec()).Process.Capabilities!;

        Assert.True(sets.Inheritable is null or []);
        Assert.True(sets.Ambient is null or []);
        Assert.DoesNotContain("CAP_SYS_ADMIN", sets.Bounding);
    }

    [Fact]
    public void Build_OtherUser_HasNoEffectiveCapabilities()
    {
        var sets = Build(Spec(), new ResolvedUser(1000, 1000, [1000])).Process.Capabilities!;

        Assert.Empty(sets.Effective);
        Assert.NotEmpty(sets.Bounding);
    }

    [Fact]
    public void Build_PrivilegedInAnUnprivilegedPod_IsRefused()
    {
        var failure = Assert.Throws<InvalidRequestException>(() => Build(Spec() with { Security = new ContainerSecurity { Privileged = true } }));

        Assert.Contains("make the pod privileged", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Build_UnifiedResources_AreRefusedWhereTheyCannotBeApplied()
    {
        var spec = Spec() with { Resources = new LinuxResources { Unified = new Dictionary<string, string> { ["memory.oom.group"] = "1" } } };

        Assert.Throws<InvalidRequestException>(() => Build(spec));
        Assert.Equal("1", Build(spec, hierarchy: _v2).Linux.Resources!.Unified!["memory.oom.group"]);
    }

    [Fact]
    public void Build_CgroupNamespace_IsPrivateOnV2()
    {
        Assert.Contains(Build(Spec(), hierarchy: _v2).Linux.Namespaces, ns => ns.Type == "cgroup");
        Assert.DoesNotContain(Build(Spec()).Linux.Namespaces, ns => ns.Type == "cgroup");
    }

    [Theory]
    [InlineData(CgroupMode.V1, true, "cgroup")]
    [InlineData(CgroupMode.V2, false, "cgroup")]
    [InlineData(CgroupMode.V2, true, "bind")]
    public void Mounts_Cgroups_AreTheNodesOwnWhereNoNamespaceHidesThem(CgroupMode mode, bool privileged, string type)
    {
        var spec = Spec() with { Security = new ContainerSecurity { Privileged = privileged } };
        var mount = ContainerMounts.For(spec, Place(), [], mode).Single(mount => mount.Destination == "/sys/fs/cgroup");

        Assert.Equal((type, privileged), (mount.Type, mount.Options.Contains("rw")));
    }

    [Fact]
    public void Build_Labels_AreTheProcesssAndTheMounts()
    {
        var built = new SpecBuilder(_v1).Build(Spec(), Place() with { Labels = new ContainerLabels("u:r:t:s0", "u:o:f:s0") }, new ImageConfig { Command = ["sh"] }, new ResolvedUser(0, 0, [0]), []);

        Assert.Equal(("u:r:t:s0", "u:o:f:s0"), (built.Process.SelinuxLabel, built.Linux.MountLabel));
        Assert.Equal("u:r:t:s0", SpecBuilder.BuildExec(Records.Container(), built, ["id"], false).SelinuxLabel);
        Assert.Equal((null, null), (Build(Spec()).Process.SelinuxLabel, Build(Spec()).Linux.MountLabel));
    }

    [Fact]
    public void Build_PodsNamespaces_AreJoinedByTheirFiles()
    {
        var namespaces = Build(Spec()).Linux.Namespaces.ToDictionary(ns => ns.Type, ns => ns.Path);

        Assert.Equal("/pins/net", namespaces["network"]);
        Assert.Equal("/pins/ipc", namespaces["ipc"]);
        Assert.Null(namespaces["mount"]);
        Assert.False(namespaces.ContainsKey("pid"));
    }

    [Theory]
    [InlineData("", "no such file")]
    [InlineData("[]", "cannot be read")]
    [InlineData("{\"defaultAction\":", "cannot be read")]
    public void Build_LocalhostProfileThatIsNone_IsRefusedAndNeverUnconfined(string content, string situation)
    {
        _ = situation;
        var path = Path.GetTempFileName();
        if (content.Length == 0)
            File.Delete(path);
        else
            File.WriteAllText(path, content);
        try
        {
            var spec = Spec() with { Security = new ContainerSecurity { Seccomp = new SecurityProfile(ProfileKind.Localhost, path) } };
            Assert.Contains(path, Assert.Throws<InvalidRequestException>(() => Build(spec)).Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Build_RuntimeDefaultSeccomp_DeniesByDefault()
    {
        var profile = Build(Spec() with { Security = new ContainerSecurity { Seccomp = new SecurityProfile(ProfileKind.RuntimeDefault) } }).Linux.Seccomp!;

        Assert.Equal("SCMP_ACT_ERRNO", profile.DefaultAction);
        var allowed = profile.Syscalls.Where(rule => rule.Action == "SCMP_ACT_ALLOW").SelectMany(rule => rule.Names).ToHashSet();
        Assert.Superset(new HashSet<string> { "read", "execve", "openat" }, allowed);
        foreach (var call in new[] { "mount", "setns", "bpf", "kexec_load", "init_module", "reboot", "add_key", "keyctl", "userfaultfd", "unshare", "swapon" })
            Assert.DoesNotContain(call, allowed);
    }

    [Fact]
    public void For_Mounts_AskedOnesReplaceTheStandardOnes()
    {
        var asked = new[] { "/dev", "/etc/hosts", "/a/b/c", "/a" }.Select(path => new OciMount(path, "bind", "/tmp", ["rbind"])).ToList();

        var destinations = ContainerMounts.For(Spec(), Place(), asked, CgroupMode.V1).Select(mount => mount.Destination).ToList();

        Assert.Equal(1, destinations.Count(path => path == "/dev"));
        Assert.Equal(1, destinations.Count(path => path == "/etc/hosts"));
        Assert.DoesNotContain("/dev/pts", destinations);
        Assert.True(destinations.IndexOf("/a") < destinations.IndexOf("/a/b/c"));
    }

    [Theory]
    [InlineData("NET_ADMIN", "CAP_NET_ADMIN")]
    [InlineData("cap_sys_time", "CAP_SYS_TIME")]
    public void Capabilities_Names_AreTakenWithAndWithoutPrefix(string asked, string expected)
    {
        var held = Capabilities.Held(File.ReadAllText("/proc/self/status"));

        var set = Capabilities.For(new ContainerSecurity { AddCapabilities = [asked], DropCapabilities = ["ALL"] });

        Assert.Equal(held.Contains(expected) ? [expected] : [], set);
    }

    [Fact]
    public void Capabilities_UnknownName_IsRefused() =>
        Assert.Throws<InvalidRequestException>(() => Capabilities.For(new ContainerSecurity { DropCapabilities = ["FLY"] }));

    [Theory]
    [InlineData("/etc/passwd", "is no device")]
    [InlineData("/dev/none-such", "does not exist")]
    public void Devices_OfNoDevice_AreRefused(string path, string words) =>
        Assert.Contains(words, Assert.Throws<InvalidRequestException>(() => Devices.For(Spec() with { Devices = [new DeviceSpec("/dev/x", path, "r")] })).Message, StringComparison.Ordinal);

    private static OciSpec Build(ContainerSpec spec, ResolvedUser? user = null, CgroupHierarchy? hierarchy = null) =>
        new SpecBuilder(hierarchy ?? _v1).Build(spec, Place(), new ImageConfig { Command = ["sh"] }, user ?? new ResolvedUser(0, 0, [0]), []);

    private static ContainerSpec Spec() => new() { Name = "web", Image = new ImageSource("nginx") };

    private static ContainerPlace Place() => new()
    {
        Pod = PodId.New(),
        Container = ContainerId.New(),
        PodName = "pod",
        PodNamespace = "default",
        PodUid = "uid",
        Rootfs = "/rootfs",
        NamespacePaths = new Dictionary<string, string> { ["net"] = "/pins/net", ["ipc"] = "/pins/ipc", ["uts"] = "/pins/uts" },
        Hostname = "pod",
        HostsPath = "/hosts",
        CgroupPath = "/x",
    };
}
