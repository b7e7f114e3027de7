using Gantry.Containers;
using Gantry.Cri.Api;
using Gantry.Images;
using Gantry.Pods;
using ContainerState = Gantry.Cri.Api.ContainerState;

namespace Gantry.Cri.Translation;

/// <summary>Records as the CRI's statuses and list entries.</summary>
internal static class StatusToCri
{
    public static PodSandbox PodEntry(PodRecord pod)
    {
        var entry = new PodSandbox { Id = pod.Id.Value, Metadata = Metadata(pod.Spec), State = State(pod), CreatedAt = pod.CreatedAt, RuntimeHandler = pod.Spec.RuntimeHandler };
        entry.Labels.Add(new Dictionary<string, string>(pod.Spec.Labels));
        entry.Annotations.Add(new Dictionary<string, string>(pod.Spec.Annotations));
        return entry;
    }

    public static PodSandboxStatus PodStatus(PodRecord pod)
    {
        var status = new PodSandboxStatus
        {
            Id = pod.Id.Value,
            Metadata = Metadata(pod.Spec),
            State = State(pod),
            CreatedAt = pod.CreatedAt,
            RuntimeHandler = pod.Spec.RuntimeHandler,
            Network = new PodSandboxNetworkStatus { Ip = pod.Addresses.Count > 0 ? pod.Addresses[0] : "" },
            Linux = new LinuxPodSandboxStatus { Namespaces = new Namespace { Options = Namespaces(pod.Spec.Security.Namespaces) } },
        };
        status.Network.AdditionalIps.Add(pod.Addresses.Skip(1).Select(address => new PodIP { Ip = address }));
        status.Labels.Add(new Dictionary<string, string>(pod.Spec.Labels));
        status.Annotations.Add(new Dictionary<string, string>(pod.Spec.Annotations));
        return status;
    }

    public static Container ContainerEntry(ContainerRecord container)
    {
        var entry = new Container
        {
            Id = container.Id.Value,
            PodSandboxId = container.Pod.Value,
            Metadata = new ContainerMetadata { Name = container.Spec.Name, Attempt = container.Spec.Attempt },
            Image = Image(container.Spec.Image),
            ImageRef = container.ImageId.Value,
            ImageId = container.ImageId.Value,
            State = State(container),
            CreatedAt = container.CreatedAt,
        };
        entry.Labels.Add(new Dictionary<string, string>(container.Spec.Labels));
        entry.Annotations.Add(new Dictionary<string, string>(container.Spec.Annotations));
        return entry;
    }

    public static ContainerStatus ContainerStatus(ContainerRecord container)
    {
        var status = new ContainerStatus
        {
            Id = container.Id.Value,
            Metadata = new ContainerMetadata { Name = container.Spec.Name, Attempt = container.Spec.Attempt },
            State = State(container),
            CreatedAt = container.CreatedAt,
            StartedAt = container.StartedAt,
            FinishedAt = container.End?.FinishedAt ?? 0,
            ExitCode = container.End?.Code ?? 0,
            Reason = container.End?.Reason ?? "",
            Message = container.End?.Message ?? "",
            Image = new ImageSpec { Image = container.ImageName, UserSpecifiedImage = container.Spec.Image.UserSpecified, RuntimeHandler = container.Spec.Image.RuntimeHandler },
            ImageRef = container.ImageReference,
            ImageId = container.ImageId.Value,
            LogPath = container.LogPath,
            Resources = new ContainerResources { Linux = ResourcesFromCri.ToCri(container.Resources) },
            User = new ContainerUser { Linux = new LinuxContainerUser { Uid = container.User.Uid, Gid = container.User.Gid } },
            StopSignal = SignalNames.FromName(container.StopSignal),
        };
        status.User.Linux.SupplementalGroups.Add(container.User.AdditionalGroups.Select(group => (long)group));
        status.Labels.Add(new Dictionary<string, string>(container.Spec.Labels));
        status.Annotations.Add(new Dictionary<string, string>(container.Spec.Annotations));
        status.Mounts.Add(container.Spec.Mounts.Select(mount => MountToCri.Translate(mount, container)));
        return status;
    }

    public static Image Image(ImageRecord image)
    {
        var user = image.Config.User.Split(':')[0];
        var message = new Image
        {
            Id = image.Id.Value,
            Size = (ulong)image.Size,
            Pinned = image.Pinned,
            Spec = new ImageSpec { Image = image.Tags.Count > 0 ? image.Tags[0] : image.RepoDigests.Count > 0 ? image.RepoDigests[0] : image.Id.Value },
        };
        if (user.Length == 0)
            message.Uid = new Int64Value { Value = 0 };
        else if (long.TryParse(user, out var uid))
            message.Uid = new Int64Value { Value = uid };
        else
            message.Username = user;
        message.RepoTags.Add(image.Tags);
        message.RepoDigests.Add(image.RepoDigests);
        return message;
    }

    internal static PodSandboxMetadata Metadata(PodSpec spec) => new() { Name = spec.Name, Namespace = spec.Namespace, Uid = spec.Uid, Attempt = spec.Attempt };

    private static PodSandboxState State(PodRecord pod) => pod.State is PodState.Ready ? PodSandboxState.SandboxReady : PodSandboxState.SandboxNotready;

    internal static ContainerState State(ContainerRecord container) => container.State switch
    {
        Containers.ContainerState.Created => ContainerState.ContainerCreated,
        Containers.ContainerState.Running => ContainerState.ContainerRunning,
        Containers.ContainerState.Exited => ContainerState.ContainerExited,
        _ => ContainerState.ContainerUnknown,
    };

    private static NamespaceOption Namespaces(NamespaceSharing sharing) => new()
    {
        Network = (Api.NamespaceMode)(int)sharing.Network,
        Pid = (Api.NamespaceMode)(int)sharing.Pid,
        Ipc = (Api.NamespaceMode)(int)sharing.Ipc,
        TargetId = sharing.TargetId,
        UsernsOptions = sharing.User is { } user ? UserNamespace(user) : null,
    };

    private static UserNamespace UserNamespace(UserNamespaceSpec user)
    {
        var message = new UserNamespace { Mode = (Api.NamespaceMode)(int)user.Mode };
        message.Uids.Add(user.Uids.Select(MountToCri.Mapping));
        message.Gids.Add(user.Gids.Select(MountToCri.Mapping));
        return message;
    }

    internal static ImageSpec Image(ImageSource image)
    {
        var spec = new ImageSpec { Image = image.Reference, UserSpecifiedImage = image.UserSpecified, RuntimeHandler = image.RuntimeHandler };
        spec.Annotations.Add(new Dictionary<string, string>(image.Annotations));
        return spec;
    }
}
