using Gantry.Cri.Api;

namespace Gantry.NodeBench;

/// <summary>Pods one at a time: made, a container run in it, a command run in that, and all taken away again.</summary>
/// <param name="peer">The server.</param>
/// <param name="image">Of the containers.</param>
/// <param name="hostNetwork">Whether the pods have the node's network: what CNI plugins take is not in the times then.</param>
public sealed class PodScenario(Peer peer, string image, bool hostNetwork = false)
{
    private static int _count;

    public async Task PrepareAsync()
    {
        var spec = new ImageSpec { Image = image };
        if ((await peer.Cri.Images.ImageStatusAsync(new ImageStatusRequest { Image = spec })).Image is null)
            await peer.Cri.Images.PullImageAsync(new PullImageRequest { Image = spec });
    }

    public async Task RunAsync(Samples samples)
    {
        var pod = await StartAsync(samples);
        await ExecAsync(samples, "ExecSync true", pod.Container);
        await samples.TimeAsync("ContainerStatus", async () => await peer.Cri.Runtime.ContainerStatusAsync(new ContainerStatusRequest { ContainerId = pod.Container }));
        await EndAsync(pod, samples);
    }

    /// <summary>A running pod with running containers, the first of which is told.</summary>
    public async Task<(string Pod, string Container)> StartAsync(Samples samples, int containers = 1)
    {
        var name = $"bench-{Interlocked.Increment(ref _count)}";
        var config = new PodSandboxConfig
        {
            Metadata = new PodSandboxMetadata { Name = name, Namespace = "bench", Uid = Guid.NewGuid().ToString() },
            Hostname = name,
            LogDirectory = $"/var/tmp/gantry-bench-logs/{name}",
            Linux = new LinuxPodSandboxConfig
            {
                SecurityContext = new LinuxSandboxSecurityContext { NamespaceOptions = Namespaces() },
            },
        };
        if (hostNetwork)
            config.Hostname = "";
        var container = new ContainerConfig
        {
            Metadata = new ContainerMetadata { Name = "main" },
            Image = new ImageSpec { Image = image },
            LogPath = "main.log",
            Linux = new LinuxContainerConfig
            {
                SecurityContext = new LinuxContainerSecurityContext
                {
                    NamespaceOptions = Namespaces(),
                    Seccomp = new SecurityProfile { ProfileType = SecurityProfile.Types.ProfileType.RuntimeDefault },
                },
            },
        };
        container.Command.Add(["sleep", "100000"]);
        Directory.CreateDirectory(config.LogDirectory);
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        var pod = (await samples.TimeAsync("RunPodSandbox", async () => await peer.Cri.Runtime.RunPodSandboxAsync(new RunPodSandboxRequest { Config = config }))).PodSandboxId;
        var id = (await samples.TimeAsync("CreateContainer", async () => await peer.Cri.Runtime.CreateContainerAsync(
            new CreateContainerRequest { PodSandboxId = pod, Config = container, SandboxConfig = config }))).ContainerId;
        await samples.TimeAsync("StartContainer", async () => await peer.Cri.Runtime.StartContainerAsync(new StartContainerRequest { ContainerId = id }));
        samples.Add("pod start (the three together)", System.Diagnostics.Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        for (var n = 1; n < containers; n++)
        {
            var further = container.Clone();
            (further.Metadata.Name, further.LogPath) = ($"main-{n}", $"main-{n}.log");
            var made = await peer.Cri.Runtime.CreateContainerAsync(new CreateContainerRequest { PodSandboxId = pod, Config = further, SandboxConfig = config });
            await peer.Cri.Runtime.StartContainerAsync(new StartContainerRequest { ContainerId = made.ContainerId });
        }
        return (pod, id);
    }

    /// <summary>Runs <c>true</c> in a container, timed as that step.</summary>
    public async Task ExecAsync(Samples samples, string step, string container)
    {
        var exec = new ExecSyncRequest { ContainerId = container };
        exec.Cmd.Add("true");
        await samples.TimeAsync(step, async () => await peer.Cri.Runtime.ExecSyncAsync(exec));
    }

    private NamespaceOption Namespaces() => new() { Pid = NamespaceMode.Container, Network = hostNetwork ? NamespaceMode.Node : NamespaceMode.Pod };

    public async Task EndAsync((string Pod, string Container) pod, Samples samples)
    {
        await samples.TimeAsync("StopContainer", async () => await peer.Cri.Runtime.StopContainerAsync(new StopContainerRequest { ContainerId = pod.Container }));
        await samples.TimeAsync("RemoveContainer", async () => await peer.Cri.Runtime.RemoveContainerAsync(new RemoveContainerRequest { ContainerId = pod.Container }));
        await samples.TimeAsync("StopPodSandbox", async () => await peer.Cri.Runtime.StopPodSandboxAsync(new StopPodSandboxRequest { PodSandboxId = pod.Pod }));
        await samples.TimeAsync("RemovePodSandbox", async () => await peer.Cri.Runtime.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = pod.Pod }));
    }
}
