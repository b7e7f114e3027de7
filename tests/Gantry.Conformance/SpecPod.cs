using Gantry.Cri.Api;

namespace Gantry.Conformance;

/// <summary>A pod of a spec.</summary>
public sealed class SpecPod(SpecContext context, string id, PodSandboxConfig config)
{
    public string Id { get; } = id;

    public PodSandboxConfig Config { get; } = config;

    /// <summary>A container's configuration that runs a command of busybox.</summary>
    public ContainerConfig ContainerConfig(string image, params string[] command)
    {
        var name = context.UniqueName("container");
        var container = new ContainerConfig
        {
            Metadata = new ContainerMetadata { Name = name },
            Image = new ImageSpec { Image = image, UserSpecifiedImage = image },
            LogPath = $"{name}/0.log",
            Linux = new LinuxContainerConfig
            {
                SecurityContext = new LinuxContainerSecurityContext
                {
                    NamespaceOptions = Config.Linux.SecurityContext.NamespaceOptions.Clone(),
                    Seccomp = new SecurityProfile { ProfileType = SecurityProfile.Types.ProfileType.RuntimeDefault },
                },
            },
        };
        container.Command.Add(command);
        container.Labels["io.kubernetes.container.name"] = name;
        return container;
    }

    /// <summary>Creates a container that runs a shell script of busybox.</summary>
    public async Task<SpecContainer> CreateShellAsync(string script, Action<ContainerConfig>? change = null)
    {
        var image = await context.PullAsync(context.Settings.Busybox);
        var container = ContainerConfig(image, "sh", "-c", script);
        change?.Invoke(container);
        return await CreateAsync(container);
    }

    public async Task<SpecContainer> CreateAsync(ContainerConfig container)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(Config.LogDirectory, container.LogPath))!);
        var answer = await context.Runtime.CreateContainerAsync(new CreateContainerRequest { PodSandboxId = Id, Config = container, SandboxConfig = Config });
        return new SpecContainer(context, this, answer.ContainerId, container);
    }

    /// <summary>Creates and starts a container that runs a shell script of busybox.</summary>
    public async Task<SpecContainer> RunShellAsync(string script, Action<ContainerConfig>? change = null)
    {
        var container = await CreateShellAsync(script, change);
        await container.StartAsync();
        return container;
    }

    /// <summary>Runs a shell script to its end, which must be a good one, and returns what it wrote to standard output.</summary>
    public async Task<string> OutputAsync(string script, Action<ContainerConfig>? change = null)
    {
        var container = await RunShellAsync(script, change);
        var status = await container.WaitForExitAsync();
        Check.True(status.ExitCode == 0, $"'{script}' ended with {status.ExitCode} ({status.Reason} {status.Message}): {container.ReadLog("stderr")}");
        return container.ReadLog("stdout").TrimEnd('\n');
    }

    public async Task<PodSandboxStatus> StatusAsync() =>
        (await context.Runtime.PodSandboxStatusAsync(new PodSandboxStatusRequest { PodSandboxId = Id })).Status;

    public async Task StopAsync() => await context.Runtime.StopPodSandboxAsync(new StopPodSandboxRequest { PodSandboxId = Id });

    public async Task RemoveAsync()
    {
        // A server that hangs must not hang the specs to come.
        var deadline = DateTime.UtcNow.AddMinutes(1);
        await context.Runtime.StopPodSandboxAsync(new StopPodSandboxRequest { PodSandboxId = Id }, deadline: deadline);
        await context.Runtime.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = Id }, deadline: deadline);
    }
}
