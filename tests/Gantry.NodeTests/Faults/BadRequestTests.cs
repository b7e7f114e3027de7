using Gantry.Conformance;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Google.Protobuf;
using Grpc.Core;
using Xunit;

namespace Gantry.NodeTests.Faults;

/// <summary>
/// Requests that cannot be carried out. Each gets its status and a message with the field, the object or the remedy, leaves
/// no pod, container, process, mount or address, and keeps nobody from the next request.
/// </summary>
public sealed class BadRequestTests(NodeNetwork network, SharedNode shared) : IClassFixture<SharedNode>
{
    private const string NoSuchId = "0000000000000000000000000000000000000000000000000000000000000000";

    public static TheoryData<string> PodSituations => [.. Pods.Keys];

    public static TheoryData<string> ContainerSituations => [.. Containers.Keys];

    public static TheoryData<string> CallSituations => [.. Calls.Keys];

    private static Dictionary<string, (Action<RunPodSandboxRequest> Change, StatusCode Status, string Word)> Pods { get; } = new()
    {
        ["no metadata"] = (request => request.Config.Metadata = null, StatusCode.InvalidArgument, "config.metadata is missing"),
        ["no name"] = (request => request.Config.Metadata.Name = "", StatusCode.InvalidArgument, "config.metadata.name is empty"),
        ["name with a slash"] = (request => request.Config.Metadata.Name = "../x", StatusCode.InvalidArgument, "config.metadata.name"),
        ["uid of 300 characters"] = (request => request.Config.Metadata.Uid = new string('u', 300), StatusCode.InvalidArgument, "config.metadata.uid"),
        ["sysctl of the node"] = (request => request.Config.Linux.Sysctls["kernel.core_pattern"] = "x", StatusCode.InvalidArgument, "kernel.core_pattern"),
        ["sysctl that leaves its folder"] = (request => request.Config.Linux.Sysctls["net/../kernel/core_pattern"] = "x", StatusCode.InvalidArgument, "sysctl"),
        ["sysctl that the kernel does not know"] = (request => request.Config.Linux.Sysctls["net.ipv4.no_such_setting"] = "1", StatusCode.InvalidArgument, "no_such_setting"),
        ["sysctl with a value that is none"] = (request => request.Config.Linux.Sysctls["net.core.somaxconn"] = "many", StatusCode.InvalidArgument, "somaxconn=many"),
        ["sysctl of the network on the node's network"] = (request =>
        {
            request.Config.Linux.Sysctls["net.ipv4.ip_forward"] = "0";
            request.Config.Linux.SecurityContext.NamespaceOptions.Network = NamespaceMode.Node;
        }, StatusCode.InvalidArgument, "net.ipv4.ip_forward"),
        ["host port out of range"] = (request => request.Config.PortMappings.Add(new PortMapping { ContainerPort = 80, HostPort = 70000 }), StatusCode.InvalidArgument, "host_port 70000"),
        ["cgroup parent upwards"] = (request => request.Config.Linux.CgroupParent = "/../../x", StatusCode.InvalidArgument, "cgroup_parent"),
        ["cgroup parent of systemd"] = (request => request.Config.Linux.CgroupParent = "kubepods.slice", StatusCode.InvalidArgument, "cgroupDriver"),
        ["handler that is not configured"] = (request => request.RuntimeHandler = "kata", StatusCode.InvalidArgument, "runtime handler 'kata' is not configured"),
        ["host name of 65 letters"] = (request => request.Config.Hostname = new string('h', 65), StatusCode.InvalidArgument, "config.hostname"),
        ["label of 5000 characters"] = (request => request.Config.Labels["l"] = new string('x', 5000), StatusCode.InvalidArgument, "config.labels"),
        ["log directory that is relative"] = (request => request.Config.LogDirectory = "logs", StatusCode.InvalidArgument, "config.log_directory"),
    };

    private static Dictionary<string, (Action<ContainerConfig, SpecContext> Change, StatusCode Status, string Word)> Containers { get; } = new()
    {
        ["no metadata"] = ((config, _) => config.Metadata = null, StatusCode.InvalidArgument, "config.metadata is missing"),
        ["image that is not here"] = ((config, _) => config.Image.Image = "docker.io/test/nowhere:1", StatusCode.NotFound, "pull it first"),
        ["image id that is not here"] = ((config, _) => config.Image.Image = "sha256:" + new string('a', 64), StatusCode.NotFound, "is not on this node"),
        ["user that the image does not have"] = ((config, _) => config.Linux.SecurityContext.RunAsUsername = "nobody-here", StatusCode.InvalidArgument, "user 'nobody-here' does not exist"),
        ["group without a user"] = ((config, _) => config.Linux.SecurityContext.RunAsGroup = new Int64Value { Value = 5 }, StatusCode.InvalidArgument, "run_as_group"),
        ["user id below zero"] = ((config, _) => config.Linux.SecurityContext.RunAsUser = new Int64Value { Value = -1 }, StatusCode.InvalidArgument, "run_as_user is -1"),
        ["capability that Linux does not have"] = ((config, _) => config.Linux.SecurityContext.Capabilities = new Capability { AddCapabilities = { "FLY" } }, StatusCode.InvalidArgument, "FLY"),
        ["directory that is relative"] = ((config, _) => config.WorkingDir = "work", StatusCode.InvalidArgument, "config.working_dir"),
        ["directory below /proc"] = ((config, _) => config.WorkingDir = "/proc/self/fd/8", StatusCode.InvalidArgument, "working directory"),
        ["log path upwards"] = ((config, _) => config.LogPath = "../../../etc/cron.d/x", StatusCode.InvalidArgument, "config.log_path"),
        ["log path that is absolute"] = ((config, _) => config.LogPath = "/etc/cron.d/x", StatusCode.InvalidArgument, "config.log_path"),
        ["log path of a directory"] = ((config, cri) => { config.LogPath = "taken"; Directory.CreateDirectory(Path.Combine(cri.Folder, "taken")); }, StatusCode.Internal, ""),
        ["mount that is relative"] = ((config, _) => config.Mounts.Add(new Mount { ContainerPath = "data", HostPath = "/tmp" }), StatusCode.InvalidArgument, "container_path 'data'"),
        ["source below a file"] = ((config, _) => config.Mounts.Add(new Mount { ContainerPath = "/data", HostPath = "/etc/passwd/below" }), StatusCode.InvalidArgument, "/etc/passwd/below"),
        ["one place mounted twice"] = ((config, _) => config.Mounts.Add([new Mount { ContainerPath = "/d", HostPath = "/tmp" }, new Mount { ContainerPath = "/d", HostPath = "/var" }]), StatusCode.InvalidArgument, "/d is given 2 times"),
        ["mount recursively read-only and writable"] = ((config, _) => config.Mounts.Add(new Mount { ContainerPath = "/d", HostPath = "/tmp", RecursiveReadOnly = true }), StatusCode.InvalidArgument, "set readonly too"),
        ["device that the node does not have"] = ((config, _) => config.Devices.Add(new Device { HostPath = "/dev/no-such", ContainerPath = "/dev/x", Permissions = "r" }), StatusCode.InvalidArgument, "/dev/no-such"),
        ["device that is a file"] = ((config, _) => config.Devices.Add(new Device { HostPath = "/etc/passwd", ContainerPath = "/dev/x", Permissions = "r" }), StatusCode.InvalidArgument, "is no device"),
        ["seccomp profile that is not there"] = ((config, _) => config.Linux.SecurityContext.Seccomp = new SecurityProfile { ProfileType = SecurityProfile.Types.ProfileType.Localhost, LocalhostRef = "/no/such.json" }, StatusCode.InvalidArgument, "/no/such.json"),
        ["privileged in a pod that is not"] = ((config, _) => config.Linux.SecurityContext.Privileged = true, StatusCode.InvalidArgument, "make the pod privileged"),
        ["variable without a name"] = ((config, _) => config.Envs.Add(new KeyValue { Key = "", Value = ByteString.CopyFromUtf8("x") }), StatusCode.InvalidArgument, "config.envs"),
        ["stop signal that is none"] = ((config, _) => config.StopSignal = (Signal)150, StatusCode.InvalidArgument, "stop_signal 150"),
        ["label of 5000 characters"] = ((config, _) => config.Labels["l"] = new string('x', 5000), StatusCode.InvalidArgument, "config.labels"),
        ["process namespace of no container"] = ((config, _) => config.Linux.SecurityContext.NamespaceOptions = new NamespaceOption { Pid = NamespaceMode.Target, TargetId = NoSuchId }, StatusCode.NotFound, "does not exist"),
        ["process namespace of a pod without one"] = ((config, _) => config.Linux.SecurityContext.NamespaceOptions = new NamespaceOption { Pid = NamespaceMode.Pod }, StatusCode.InvalidArgument, "ask for it in the pod too"),
        ["command with NUL"] = ((config, _) => { config.Command.Clear(); config.Command.Add("a\0b"); }, StatusCode.InvalidArgument, "NUL"),
    };

    private static Dictionary<string, (Func<SpecContext, Task> Call, StatusCode Status, string Word)> Calls { get; } = new()
    {
        ["status of no pod"] = (async cri => await cri.Runtime.PodSandboxStatusAsync(new PodSandboxStatusRequest { PodSandboxId = NoSuchId }), StatusCode.NotFound, NoSuchId),
        ["status of an empty id"] = (async cri => await cri.Runtime.PodSandboxStatusAsync(new PodSandboxStatusRequest()), StatusCode.NotFound, "pod"),
        ["status of no container"] = (async cri => await cri.Runtime.ContainerStatusAsync(new ContainerStatusRequest { ContainerId = NoSuchId }), StatusCode.NotFound, NoSuchId),
        ["status of a path"] = (async cri => await cri.Runtime.ContainerStatusAsync(new ContainerStatusRequest { ContainerId = "../../etc" }), StatusCode.NotFound, "container"),
        ["start of no container"] = (async cri => await cri.Runtime.StartContainerAsync(new StartContainerRequest { ContainerId = NoSuchId }), StatusCode.NotFound, "container"),
        ["update of no container"] = (async cri => await cri.Runtime.UpdateContainerResourcesAsync(new UpdateContainerResourcesRequest { ContainerId = NoSuchId }), StatusCode.NotFound, "container"),
        ["log of no container"] = (async cri => await cri.Runtime.ReopenContainerLogAsync(new ReopenContainerLogRequest { ContainerId = NoSuchId }), StatusCode.NotFound, "container"),
        ["exec in no container"] = (async cri => await cri.Runtime.ExecSyncAsync(new ExecSyncRequest { ContainerId = NoSuchId, Cmd = { "true" } }), StatusCode.NotFound, "container"),
        ["exec of nothing"] = (async cri => await (await RunningAsync(cri)).ExecAsync(), StatusCode.InvalidArgument, "no command was given"),
        ["exec with a time-out below zero"] = (async cri => await (await RunningAsync(cri)).ExecAsync(-1, "true"), StatusCode.InvalidArgument, "negative"),
        ["exec of a command that is not there"] = (async cri => await (await RunningAsync(cri)).ExecAsync("/no/such/command"), StatusCode.Internal, "/no/such/command"),
        ["exec in a created container"] = (async cri => await (await (await cri.RunPodAsync()).CreateShellAsync("true")).ExecAsync("true"), StatusCode.FailedPrecondition, "is Created"),
        ["exec in a stopped container"] = (async cri =>
        {
            var container = await RunningAsync(cri);
            await container.StopAsync();
            await container.ExecAsync("true");
        }, StatusCode.FailedPrecondition, "is Exited"),
        ["start of a running container"] = (async cri => await (await RunningAsync(cri)).StartAsync(), StatusCode.FailedPrecondition, "is Running"),
        ["update of a stopped container"] = (async cri =>
        {
            var container = await RunningAsync(cri);
            await container.StopAsync();
            await cri.Runtime.UpdateContainerResourcesAsync(new UpdateContainerResourcesRequest { ContainerId = container.Id, Linux = new LinuxContainerResources { CpuShares = 5 } });
        }, StatusCode.FailedPrecondition, "can no longer be changed"),
        ["log of a stopped container"] = (async cri =>
        {
            var container = await RunningAsync(cri);
            await container.StopAsync();
            File.Delete(container.LogPath);
            try
            {
                await cri.Runtime.ReopenContainerLogAsync(new ReopenContainerLogRequest { ContainerId = container.Id });
            }
            finally
            {
                Assert.False(File.Exists(container.LogPath), "a file that nobody writes to was made");
            }
        }, StatusCode.FailedPrecondition, "log"),
        ["container in a stopped pod"] = (async cri =>
        {
            var pod = await cri.RunPodAsync();
            await pod.StopAsync();
            await pod.CreateShellAsync("true");
        }, StatusCode.FailedPrecondition, "is NotReady"),
        ["container in no pod"] = (async cri =>
        {
            var pod = await cri.RunPodAsync();
            var image = await cri.PullAsync(cri.Settings.Busybox);
            await cri.Runtime.CreateContainerAsync(new CreateContainerRequest { PodSandboxId = NoSuchId, Config = pod.ContainerConfig(image, "true") });
        }, StatusCode.NotFound, NoSuchId),
        ["pod that has stopped, once more"] = (async cri =>
        {
            var config = cri.PodConfig();
            var pod = await cri.RunPodAsync(config);
            await pod.StopAsync();
            await cri.RunPodAsync(config);
        }, StatusCode.AlreadyExists, "use the next attempt"),
        ["container that has ended, once more"] = (async cri =>
        {
            var container = await RunningAsync(cri);
            await container.StopAsync();
            await container.Pod.CreateAsync(container.Config);
        }, StatusCode.AlreadyExists, "use the next attempt"),
        ["command that is not there"] = (async cri => await Start(cri, config => { config.Command.Clear(); config.Command.Add("/no/such/program"); }), StatusCode.Internal, "/no/such/program"),
        ["command that is no program"] = (async cri => await Start(cri, config => { config.Command.Clear(); config.Command.Add("/etc/passwd"); }), StatusCode.Internal, "ermission denied"),
        ["directory that is a file"] = (async cri => await Start(cri, config => config.WorkingDir = "/etc/passwd"), StatusCode.Internal, "/etc/passwd"),
        ["image of an empty name"] = (async cri => await cri.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec() }), StatusCode.InvalidArgument, "not valid"),
        ["image with capital letters"] = (async cri => await cri.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = "docker.io/library/NGINX" } }), StatusCode.InvalidArgument, "NGINX"),
        ["image with a tag of 200 letters"] = (async cri => await cri.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = "nginx:" + new string('t', 200) } }), StatusCode.InvalidArgument, "tag"),
        ["image with half a digest"] = (async cri => await cri.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = "nginx@sha256:abcd" } }), StatusCode.InvalidArgument, "digest"),
        ["image upwards"] = (async cri => await cri.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = "docker.io/../../etc/passwd" } }), StatusCode.InvalidArgument, "not valid"),
        ["tag that no registry has"] = (async cri => await cri.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = "registry.test/library/busybox:none" } }), StatusCode.NotFound, "busybox:none"),
        ["repository that no registry has"] = (async cri => await cri.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = "registry.test/test/none-such" } }), StatusCode.NotFound, "none-such"),
        ["status of an image without a name"] = (async cri => await cri.Images.ImageStatusAsync(new ImageStatusRequest()), StatusCode.InvalidArgument, "image.image is empty"),
        ["removal of an image without a name"] = (async cri => await cri.Images.RemoveImageAsync(new RemoveImageRequest()), StatusCode.InvalidArgument, "image.image is empty"),
    };

    [Theory]
    [MemberData(nameof(PodSituations))]
    public Task RunPod_Wrong_IsRefusedAndLeavesNothing(string situation) => RefusedAsync(Pods[situation].Status, Pods[situation].Word, async cri =>
    {
        var request = new RunPodSandboxRequest { Config = cri.PodConfig() };
        Pods[situation].Change(request);
        await cri.Runtime.RunPodSandboxAsync(request);
    });

    [Theory]
    [MemberData(nameof(ContainerSituations))]
    public Task CreateContainer_Wrong_IsRefusedAndLeavesNothing(string situation) => RefusedAsync(Containers[situation].Status, Containers[situation].Word, async cri =>
    {
        var pod = await cri.RunPodAsync(config => config.LogDirectory = cri.Folder);
        var config = pod.ContainerConfig(await cri.PullAsync(cri.Settings.Busybox), "true");
        config.LogPath = "0.log";
        Containers[situation].Change(config, cri);
        await cri.Runtime.CreateContainerAsync(new CreateContainerRequest { PodSandboxId = pod.Id, Config = config, SandboxConfig = pod.Config });
    });

    [Theory]
    [MemberData(nameof(CallSituations))]
    public Task Call_Wrong_IsRefusedAndLeavesNothing(string situation) => RefusedAsync(Calls[situation].Status, Calls[situation].Word, Calls[situation].Call);

    [Fact]
    public async Task StopAndRemove_OfWhatIsNotThere_Succeed()
    {
        await using var cri = shared.Node.Context();
        foreach (var id in new[] { NoSuchId, "", "../../etc", "zz" })
        {
            await cri.Runtime.StopContainerAsync(new StopContainerRequest { ContainerId = id });
            await cri.Runtime.RemoveContainerAsync(new RemoveContainerRequest { ContainerId = id });
            await cri.Runtime.StopPodSandboxAsync(new StopPodSandboxRequest { PodSandboxId = id });
            await cri.Runtime.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = id });
        }
        await cri.Images.RemoveImageAsync(new RemoveImageRequest { Image = new ImageSpec { Image = "docker.io/test/none-such" } });
    }

    [Fact]
    public async Task Remove_RunningContainer_EndsIt()
    {
        await using var cri = shared.Node.Context();
        var container = await RunningAsync(cri);

        await container.RemoveAsync();

        Assert.Empty((await cri.Runtime.ListContainersAsync(new ListContainersRequest { Filter = new ContainerFilter { Id = container.Id } })).Containers);
    }

    [Fact]
    public async Task Remove_SeveralCallersAtOnce_AllSucceed()
    {
        await using var cri = shared.Node.Context();
        var container = await RunningAsync(cri);

        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => container.RemoveAsync()));
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => container.Pod.RemoveAsync()));
    }

    [Fact]
    public async Task AmbiguousPrefix_IsRefusedAndFullIdIsNot()
    {
        await using var cri = shared.Node.Context();
        var pods = await Task.WhenAll(Enumerable.Range(0, 17).Select(_ => cri.RunPodAsync(config => config.Linux.SecurityContext.NamespaceOptions.Network = NamespaceMode.Node)));
        var twice = pods.GroupBy(pod => pod.Id[..1]).First(group => group.Count() > 1);

        var failure = await Assert.ThrowsAsync<RpcException>(async () => await cri.Runtime.PodSandboxStatusAsync(new PodSandboxStatusRequest { PodSandboxId = twice.Key }));

        Assert.Equal(StatusCode.InvalidArgument, failure.StatusCode);
        Assert.Contains("ambiguous", failure.Status.Detail, StringComparison.Ordinal);
        var one = pods[0].Id;
        Assert.Equal(one, (await cri.Runtime.PodSandboxStatusAsync(new PodSandboxStatusRequest { PodSandboxId = one[..40] })).Status.Id);
    }

    private async Task RefusedAsync(StatusCode status, string word, Func<SpecContext, Task> call)
    {
        _ = network;
        var node = shared.Node;
        await using (var cri = node.Context())
        {
            var failure = await Assert.ThrowsAsync<RpcException>(() => call(cri));

            Assert.True(status == failure.StatusCode, $"{failure.Status}, where {status} is expected");
            Assert.Contains(word, failure.Status.Detail, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', failure.Status.Detail);
            Assert.DoesNotContain("Exception", failure.Status.Detail, StringComparison.Ordinal);
        }
        Assert.Empty((await node.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest())).Items);
        Assert.Empty((await node.Runtime.ListContainersAsync(new ListContainersRequest())).Containers);
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    private static async Task<SpecContainer> RunningAsync(SpecContext cri) => await (await cri.RunPodAsync()).RunShellAsync("sleep 1000");

    private static async Task Start(SpecContext cri, Action<ContainerConfig> change)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.CreateShellAsync("true", change);
        await container.StartAsync();
    }
}
