using Gantry.Cri.Api;
using Gantry.Cri.Translation;
using Gantry.Faults;
using Xunit;

namespace Gantry.UnitTests.Cri.Translation;

public sealed class PodSpecFromCriTests
{
    public static TheoryData<string, string, Action<PodSandboxConfig>> Wrong => new()
    {
        { "no metadata", "config.metadata is missing", config => config.Metadata = null },
        { "no name", "config.metadata.name is empty", config => config.Metadata.Name = "" },
        { "no namespace", "config.metadata.namespace is empty", config => config.Metadata.Namespace = "" },
        { "no uid", "config.metadata.uid is empty", config => config.Metadata.Uid = "" },
        { "long name", "at most 253", config => config.Metadata.Name = new string('a', 254) },
        { "slash in name", "config.metadata.name", config => config.Metadata.Name = "a/b" },
        { "dots as uid", "config.metadata.uid", config => config.Metadata.Uid = ".." },
        { "argument smuggled by name", "config.metadata.name", config => config.Metadata.Name = "a;K8S_POD_UID=b" },
        { "newline in namespace", "config.metadata.namespace", config => config.Metadata.Namespace = "a\nb" },
        { "long hostname", "config.hostname", config => config.Hostname = new string('h', 65) },
        { "hostname with a space", "config.hostname", config => config.Hostname = "a b" },
        { "relative log directory", "config.log_directory", config => config.LogDirectory = "var/log" },
        { "log directory upwards", "config.log_directory", config => config.LogDirectory = "/var/log/../../etc" },
        { "host port", "host_port 65536", config => config.PortMappings.Add(new PortMapping { ContainerPort = 80, HostPort = 65536 }) },
        { "negative host port", "host_port -1", config => config.PortMappings.Add(new PortMapping { ContainerPort = 80, HostPort = -1 }) },
        { "container port", "container_port 0", config => config.PortMappings.Add(new PortMapping { HostPort = 80 }) },
        { "protocol", "protocol 9", config => config.PortMappings.Add(new PortMapping { ContainerPort = 80, Protocol = (Protocol)9 }) },
        { "host address", "host_ip 'nowhere'", config => config.PortMappings.Add(new PortMapping { ContainerPort = 80, HostIp = "nowhere" }) },
        { "cgroup parent upwards", "linux.cgroup_parent", config => config.Linux.CgroupParent = "/kubepods/../../x" },
        { "cgroup parent with a dot", "linux.cgroup_parent", config => config.Linux.CgroupParent = "/kubepods/./x" },
        { "cgroup parent too long", "linux.cgroup_parent", config => config.Linux.CgroupParent = "/" + new string('x', 256) },
        { "systemd slice", "cgroupDriver to cgroupfs", config => config.Linux.CgroupParent = "kubepods-burstable.slice" },
        { "systemd scope", "cgroupDriver to cgroupfs", config => config.Linux.CgroupParent = "system.slice:crio:x" },
        { "long label", "config.labels", config => config.Labels["a"] = new string('x', 4096) },
        { "resolver line smuggled", "config.dns_config.servers", config => config.DnsConfig = new DNSConfig { Servers = { "1.1.1.1\nnameserver 6.6.6.6" } } },
        { "search with a space", "config.dns_config.searches", config => config.DnsConfig = new DNSConfig { Searches = { "a b" } } },
        { "sysctl with a newline", "linux.sysctls", config => config.Linux.Sysctls["kernel.shmmax"] = "1\nx" },
        { "namespace mode", "namespace_options.network", config => config.Linux.SecurityContext = new LinuxSandboxSecurityContext { NamespaceOptions = new NamespaceOption { Network = (NamespaceMode)7 } } },
        { "groups policy", "supplemental_groups_policy 5", config => config.Linux.SecurityContext = new LinuxSandboxSecurityContext { SupplementalGroupsPolicy = (SupplementalGroupsPolicy)5 } },
        { "negative memory", "memory_limit_in_bytes", config => config.Linux.Resources = new LinuxContainerResources { MemoryLimitInBytes = -1 } },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void Translate_WrongField_IsRefusedByName(string situation, string words, Action<PodSandboxConfig> change)
    {
        _ = situation;
        var config = Config();
        change(config);

        var failure = Assert.Throws<InvalidRequestException>(() => PodSpecFromCri.Translate(config, ""));

        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Translate_NoConfig_IsRefused() => Assert.Throws<InvalidRequestException>(() => PodSpecFromCri.Translate(null, ""));

    [Fact]
    public void Translate_Refusal_ShowsNoControlCharacters()
    {
        var config = Config();
        config.LogDirectory = "rel\u001b[31m\nx";

        var failure = Assert.Throws<InvalidRequestException>(() => PodSpecFromCri.Translate(config, ""));

        Assert.DoesNotContain(failure.Message, char.IsControl);
    }

    [Fact]
    public void Translate_EverythingGiven_ArrivesUnchanged()
    {
        var config = Config();
        config.Metadata.Attempt = 3;
        config.Hostname = "web-0";
        config.LogDirectory = "/var/log/pods/x";
        config.Labels["l"] = "1";
        config.Annotations["a"] = "a\nvalue";
        config.DnsConfig = new DNSConfig { Servers = { "10.0.0.10" }, Searches = { "svc.local" }, Options = { "ndots:5" } };
        config.PortMappings.Add(new PortMapping { Protocol = Protocol.Udp, ContainerPort = 53, HostPort = 5353, HostIp = "127.0.0.1" });
        config.Linux.CgroupParent = "/kubepods/burstable/pod1";
        config.Linux.Sysctls["net.core.somaxconn"] = "1024";

        var spec = PodSpecFromCri.Translate(config, "runc");

        Assert.Equal(("pod", "default", "uid-1", 3u), (spec.Name, spec.Namespace, spec.Uid, spec.Attempt));
        Assert.Equal(("web-0", "/var/log/pods/x", "runc"), (spec.Hostname, spec.LogDirectory, spec.RuntimeHandler));
        Assert.Equal("a\nvalue", spec.Annotations["a"]);
        Assert.Equal(["ndots:5"], spec.Dns!.Options);
        Assert.Equal((53, 5353, "127.0.0.1"), (spec.PortMappings[0].ContainerPort, spec.PortMappings[0].HostPort, spec.PortMappings[0].HostAddress));
        Assert.Equal("1024", spec.Sysctls["net.core.somaxconn"]);
        Assert.Equal("/kubepods/burstable/pod1", spec.CgroupParent);
    }

    private static PodSandboxConfig Config() => new()
    {
        Metadata = new PodSandboxMetadata { Name = "pod", Namespace = "default", Uid = "uid-1" },
        Linux = new LinuxPodSandboxConfig(),
    };
}
