using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Conformance.Specs;

/// <summary>Requests that no server can carry out: each is refused, and the server goes on.</summary>
internal static class BadRequestSpecs
{
    public static IReadOnlyList<Spec> All { get; } =
    [
        new("bad/no-pod-config", "RunPodSandbox without a configuration is refused", cri => RefusedAsync(cri, async () => await cri.Runtime.RunPodSandboxAsync(new RunPodSandboxRequest()))),
        new("bad/no-pod-metadata", "RunPodSandbox without metadata is refused", cri => PodRefusedAsync(cri, config => config.Metadata = null)),
        new("bad/no-container-config", "CreateContainer without a configuration is refused", NoContainerConfigAsync),
        new("bad/no-container-name", "CreateContainer without a name is refused", cri => ContainerRefusedAsync(cri, config => config.Metadata.Name = "")),
        new("bad/no-image", "CreateContainer without an image is refused", cri => ContainerRefusedAsync(cri, config => config.Image = null)),
        new("bad/image-not-pulled", "CreateContainer never pulls: an image that is not there is an error", cri => ContainerRefusedAsync(cri, config => config.Image.Image = "docker.io/test/never-pulled:1", "never-pulled")),
        new("bad/unknown-pod", "CreateContainer in a pod that does not exist is an error", UnknownPodAsync),
        new("bad/sysctl-smuggling", "a sysctl's value cannot smuggle another one in", SysctlSmugglingAsync),
        new("bad/sysctl-of-node", "a sysctl of the node is refused", cri => PodRefusedAsync(cri, config => config.Linux.Sysctls["kernel.core_pattern"] = "x", "kernel.core_pattern")),
        new("bad/unknown-capability", "a capability that Linux does not have is refused", cri => ContainerRefusedAsync(cri, config =>
        {
            config.Linux.SecurityContext.Capabilities = new Capability();
            config.Linux.SecurityContext.Capabilities.AddCapabilities.Add("NO_SUCH_CAP");
        }, "NO_SUCH_CAP")),
        new("bad/missing-device", "a device that the node does not have is refused", cri => ContainerRefusedAsync(cri, config => config.Devices.Add(new Device { HostPath = "/dev/no-such-device", ContainerPath = "/dev/x", Permissions = "rw" }), "/dev/no-such-device")),
        new("bad/empty-image-name", "PullImage of nothing is refused", cri => RefusedAsync(cri, async () => await cri.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec() }))),
        new("bad/image-name", "PullImage of a name that is none is refused", cri => RefusedAsync(cri, async () => await cri.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = "No Such/../NAME:tag:tag" } }))),
        new("bad/no-command", "an image without a command, and none in the request, is refused", NoCommandAsync),
    ];

    private static Task PodRefusedAsync(SpecContext cri, Action<PodSandboxConfig> change, string word = "") => RefusedAsync(cri, async () =>
    {
        var config = cri.PodConfig();
        change(config);
        await cri.RunPodAsync(config);
    }, word);

    private static async Task ContainerRefusedAsync(SpecContext cri, Action<ContainerConfig> change, string word = "")
    {
        var pod = await cri.RunPodAsync();
        await RefusedAsync(cri, () => pod.RunShellAsync("true", change), word);
        var left = await cri.Runtime.ListContainersAsync(new ListContainersRequest { Filter = new ContainerFilter { PodSandboxId = pod.Id } });
        Check.True(left.Containers.All(container => container.State is ContainerState.ContainerExited or ContainerState.ContainerCreated));
    }

    private static async Task NoContainerConfigAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        await RefusedAsync(cri, async () => await cri.Runtime.CreateContainerAsync(new CreateContainerRequest { PodSandboxId = pod.Id }));
    }

    private static async Task UnknownPodAsync(SpecContext cri)
    {
        var image = await cri.PullAsync(cri.Settings.Busybox);
        var pod = await cri.RunPodAsync();
        await RefusedAsync(cri, async () => await cri.Runtime.CreateContainerAsync(
            new CreateContainerRequest { PodSandboxId = new string('0', 64), Config = pod.ContainerConfig(image, "true"), SandboxConfig = pod.Config }));
    }

    private static async Task SysctlSmugglingAsync(SpecContext cri)
    {
        var before = File.ReadAllText("/proc/sys/kernel/core_pattern");
        try
        {
            await cri.RunPodAsync(config => config.Linux.Sysctls["kernel.shm_rmid_forced"] = "1+kernel.core_pattern=|/bin/sh");
        }
        catch (RpcException)
        {
            // Refusing is as good as setting nothing.
        }
        Check.Equal(before, File.ReadAllText("/proc/sys/kernel/core_pattern"));
    }

    private static async Task NoCommandAsync(SpecContext cri)
    {
        var image = await cri.PullAsync(cri.Settings.TestImage("nocommand"));
        var pod = await cri.RunPodAsync();
        await RefusedAsync(cri, async () => await (await pod.CreateAsync(pod.ContainerConfig(image))).StartAsync(), "command");
    }

    private static async Task RefusedAsync(SpecContext cri, Func<Task> call, string word = "")
    {
        try
        {
            await call();
        }
        catch (RpcException e)
        {
            Check.True(e.StatusCode is not (StatusCode.Unavailable or StatusCode.Unimplemented), e.Status.ToString());
            Check.Contains(word, e.Status.Detail);
            await cri.Runtime.VersionAsync(new VersionRequest());
            return;
        }
        throw new SpecFailedException("it succeeded, where an error is expected");
    }
}
