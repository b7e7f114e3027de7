using Gantry.Cri.Api;
using Gantry.Faults;
using Grpc.Core;

namespace Gantry.Cri;

/// <summary>
/// Keeps the CRI's clients from pods that run without a kubelet: they are not in its lists, and their ids do not exist for
/// its calls. gantry's own command line says by a header that it means them too.
/// </summary>
internal static class LocalPodGuard
{
    /// <summary>The header, whose value does not matter.</summary>
    public const string Header = "gantry-local-pods";

    /// <exception cref="NotFoundException">The request is about a local pod, or a container of one.</exception>
    public static void Check(Composition node, object request, Metadata headers)
    {
        if (headers.Get(Header) is not null)
            return;
        if (PodOf(request) is { Length: > 0 } pod && node.Pods.TryFind(pod) is { Spec.IsLocal: true })
            throw new NotFoundException($"pod {pod} runs without a kubelet and is not the CRI's: manage it with gantry ('gantry pods')");
        if (ContainerOf(request) is { Length: > 0 } container && node.Containers.TryFind(container) is { } record && node.IsLocal(record))
            throw new NotFoundException($"container {container} runs without a kubelet and is not the CRI's: manage it with gantry ('gantry ps')");
    }

    /// <summary>The pod that a request is about; null for none.</summary>
    internal static string? PodOf(object request) => request switch
    {
        StopPodSandboxRequest stop => stop.PodSandboxId,
        RemovePodSandboxRequest remove => remove.PodSandboxId,
        PodSandboxStatusRequest status => status.PodSandboxId,
        PodSandboxStatsRequest stats => stats.PodSandboxId,
        PortForwardRequest forward => forward.PodSandboxId,
        UpdatePodSandboxResourcesRequest update => update.PodSandboxId,
        CreateContainerRequest create => create.PodSandboxId,
        CheckpointPodRequest checkpoint => checkpoint.PodSandboxId,
        _ => null,
    };

    /// <summary>The container that a request is about; null for none.</summary>
    internal static string? ContainerOf(object request) => request switch
    {
        StartContainerRequest start => start.ContainerId,
        StopContainerRequest stop => stop.ContainerId,
        RemoveContainerRequest remove => remove.ContainerId,
        ContainerStatusRequest status => status.ContainerId,
        ContainerStatsRequest stats => stats.ContainerId,
        UpdateContainerResourcesRequest update => update.ContainerId,
        ReopenContainerLogRequest reopen => reopen.ContainerId,
        ExecSyncRequest exec => exec.ContainerId,
        ExecRequest exec => exec.ContainerId,
        AttachRequest attach => attach.ContainerId,
        CheckpointContainerRequest checkpoint => checkpoint.ContainerId,
        _ => null,
    };
}
