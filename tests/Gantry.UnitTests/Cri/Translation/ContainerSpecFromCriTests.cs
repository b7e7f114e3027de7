using Gantry.Cri.Api;
using Gantry.Cri.Translation;
using Gantry.Faults;
using Google.Protobuf;
using Xunit;

namespace Gantry.UnitTests.Cri.Translation;

public sealed class ContainerSpecFromCriTests
{
    public static TheoryData<string, string, Action<ContainerConfig>> Wrong => new()
    {
        { "no metadata", "config.metadata is missing", config => config.Metadata = null },
        { "no name", "config.metadata.name is empty", config => config.Metadata.Name = "" },
        { "no image", "config.image.image is empty", config => config.Image = null },
        { "empty image", "config.image.image is empty", config => config.Image.Image = "" },
        { "log path upwards", "config.log_path", config => config.LogPath = "../../etc/passwd" },
        { "log path upwards in the middle", "config.log_path", config => config.LogPath = "a/../b" },
        { "absolute log path", "config.log_path", config => config.LogPath = "/etc/passwd" },
        { "log path that is a directory", "config.log_path", config => config.LogPath = "web/" },
        { "log path with NUL", "config.log_path", config => config.LogPath = "a\0b" },
        { "relative directory", "config.working_dir", config => config.WorkingDir = "app" },
        { "variable with =", "config.envs", config => config.Envs.Add(new KeyValue { Key = "A=B" }) },
        { "variable without a name", "config.envs", config => config.Envs.Add(new KeyValue { Key = "" }) },
        { "variable with NUL", "config.envs", config => config.Envs.Add(new KeyValue { Key = "A", Value = ByteString.CopyFrom(1, 0, 2) }) },
        { "relative mount", "container_path 'data'", config => config.Mounts.Add(new Mount { ContainerPath = "data", HostPath = "/tmp" }) },
        { "mount upwards", "container_path '/a/../b'", config => config.Mounts.Add(new Mount { ContainerPath = "/a/../b", HostPath = "/tmp" }) },
        { "relative source", "host_path 'tmp'", config => config.Mounts.Add(new Mount { ContainerPath = "/data", HostPath = "tmp" }) },
        { "propagation", "propagation 8", config => config.Mounts.Add(new Mount { ContainerPath = "/data", HostPath = "/tmp", Propagation = (MountPropagation)8 }) },
        { "the same place twice", "/data is given 2 times", config => config.Mounts.Add([new Mount { ContainerPath = "/data", HostPath = "/tmp" }, new Mount { ContainerPath = "/data/", HostPath = "/var" }]) },
        { "relative device", "config.devices", config => config.Devices.Add(new Device { HostPath = "dev/null", ContainerPath = "/dev/null", Permissions = "r" }) },
        { "device permissions", "config.devices", config => config.Devices.Add(new Device { HostPath = "/dev/null", ContainerPath = "/dev/null", Permissions = "rx" }) },
        { "stop signal", "config.stop_signal 199", config => config.StopSignal = (Signal)199 },
        { "long label", "config.labels", config => config.Labels[new string('k', 4000)] = new string('v', 100) },
        { "negative cpu", "cpu_shares", config => config.Linux = new LinuxContainerConfig { Resources = new LinuxContainerResources { CpuShares = -2 } } },
        { "localhost profile without a path", "localhost_ref", config => config.Linux = new LinuxContainerConfig { SecurityContext = new LinuxContainerSecurityContext { Seccomp = new SecurityProfile { ProfileType = SecurityProfile.Types.ProfileType.Localhost } } } },
        { "pid mode", "namespace_options.pid", config => config.Linux = new LinuxContainerConfig { SecurityContext = new LinuxContainerSecurityContext { NamespaceOptions = new NamespaceOption { Pid = (NamespaceMode)9 } } } },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void Translate_WrongField_IsRefusedByName(string situation, string words, Action<ContainerConfig> change)
    {
        _ = situation;
        var config = Config();
        change(config);

        var failure = Assert.Throws<InvalidRequestException>(() => ContainerSpecFromCri.Translate(config));

        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mine", "mine")]
    [InlineData("localhost/mine", "mine")]
    [InlineData("/profiles/mine.json", "/profiles/mine.json")]
    [InlineData("localhost//profiles/mine.json", "/profiles/mine.json")]
    public void Translate_ProfileOfTheNode_IsItsNameWithAndWithoutTheOlderPrefix(string reference, string expected)
    {
        var profile = new SecurityProfile { ProfileType = SecurityProfile.Types.ProfileType.Localhost, LocalhostRef = reference };
        var security = SecurityFromCri.Translate(new LinuxContainerSecurityContext { Seccomp = profile, Apparmor = profile });

        Assert.Equal((expected, expected), (security.Seccomp!.LocalhostReference, security.AppArmor!.LocalhostReference));
    }

    [Fact]
    public void Translate_ValueThatIsNoText_KeepsItsBytes()
    {
        var config = Config();
        config.Envs.Add(new KeyValue { Key = "BIN", Value = ByteString.CopyFrom(0xff, 0xfe, 0x01) });

        var spec = ContainerSpecFromCri.Translate(config);

        Assert.Equal([0xff, 0xfe, 0x01], spec.Environment[0].Value);
    }

    [Theory]
    [InlineData(Signal.Sigterm, "SIGTERM")]
    [InlineData(Signal.Sigrtminplus3, "SIGRTMIN+3")]
    [InlineData(Signal.Sigrtmaxminus1, "SIGRTMAX-1")]
    [InlineData(Signal.RuntimeDefault, null)]
    public void StopSignal_BothWays_IsTheSame(Signal signal, string? name)
    {
        Assert.Equal(name, SignalNames.ToName(signal));
        Assert.Equal(signal, SignalNames.FromName(name ?? ""));
    }

    [Fact]
    public void StopSignal_EverySignalOfTheApi_IsOneOfTheKernel()
    {
        foreach (var signal in Enum.GetValues<Signal>().Where(signal => signal is not Signal.RuntimeDefault))
        {
            var name = SignalNames.ToName(signal);
            Assert.True(Gantry.Linux.Processes.Signals.TryParse(name, out _), $"{signal}: {name}");
            Assert.Equal(signal, SignalNames.FromName(name!));
        }
    }

    private static ContainerConfig Config() => new()
    {
        Metadata = new ContainerMetadata { Name = "web" },
        Image = new ImageSpec { Image = "sha256:" + new string('a', 64), UserSpecifiedImage = "nginx:1" },
    };
}
