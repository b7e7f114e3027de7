using Gantry.Api;
using Gantry.Cli.Connection;
using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Cli.Naming;

/// <summary>All pods and containers of the node, from gantry.v1 where it is spoken and from the CRI's lists elsewhere.</summary>
internal sealed record Inventory(IReadOnlyList<NodePod> Pods, bool IsGantry)
{
    public IEnumerable<(NodePod Pod, NodeContainer Container)> Containers =>
        Pods.SelectMany(pod => pod.Containers.Select(container => (pod, container)));

    public static async Task<Inventory> ReadAsync(NodeConnection node, CancellationToken cancel)
    {
        try
        {
            var answer = await node.Gantry.ListPodsAsync(new ListPodsRequest { IncludeCri = true }, cancellationToken: cancel);
            return new Inventory([.. answer.Pods.Select(Translate).OrderByDescending(pod => pod.CreatedAt)], IsGantry: true);
        }
        catch (RpcException failure) when (failure.StatusCode == StatusCode.Unimplemented)
        {
            return new Inventory(await ReadCriAsync(node, cancel), IsGantry: false);
        }
    }

    /// <summary>The pod as its daemon tells of it.</summary>
    public static NodePod Translate(LocalPod pod) => new()
    {
        Id = pod.Id,
        Name = pod.Name,
        Namespace = pod.Namespace,
        Uid = pod.Uid,
        Phase = pod.Phase,
        CreatedAt = pod.CreatedAtNanos,
        Addresses = [.. pod.Addresses],
        IsLocal = pod.Local,
        Containers = [.. pod.Containers.Select(Translate)],
    };

    private static NodeContainer Translate(LocalContainer container) => new()
    {
        Id = container.Id,
        Name = container.Name,
        Image = container.Image,
        State = container.State,
        CreatedAt = container.StartedAtNanos,
        ExitCode = container.State == "Exited" ? container.ExitCode : null,
        Reason = container.Reason,
        Message = container.Message,
        Restarts = container.Restarts,
        FinishedAt = container.FinishedAtNanos,
        LogPath = container.LogPath,
    };

    private static async Task<IReadOnlyList<NodePod>> ReadCriAsync(NodeConnection node, CancellationToken cancel)
    {
        // Containers first: one that is created between the two calls is then missing, not one without its pod.
        var containers = await node.Runtime.ListContainersAsync(new ListContainersRequest(), cancellationToken: cancel);
        var pods = await node.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest(), cancellationToken: cancel);
        var ofPod = containers.Containers.ToLookup(container => container.PodSandboxId);
        return [.. pods.Items.Select(pod => Translate(pod, ofPod[pod.Id])).OrderByDescending(pod => pod.CreatedAt)];
    }

    private static NodePod Translate(PodSandbox pod, IEnumerable<Container> containers) => new()
    {
        Id = pod.Id,
        Name = pod.Metadata?.Name ?? "",
        Namespace = pod.Metadata?.Namespace ?? "",
        Uid = pod.Metadata?.Uid ?? "",
        Phase = pod.State == PodSandboxState.SandboxReady ? "Ready" : "NotReady",
        CreatedAt = pod.CreatedAt,
        Containers = [.. containers.OrderBy(container => container.CreatedAt).Select(Translate)],
    };

    private static NodeContainer Translate(Container container) => new()
    {
        Id = container.Id,
        Name = container.Metadata?.Name ?? "",
        // What the user wrote, where the runtime kept it; the kubelet hands resolved ids down.
        Image = container.Image?.UserSpecifiedImage is { Length: > 0 } written ? written : container.Image?.Image ?? "",
        State = ContainerStates.Show(container.State),
        CreatedAt = container.CreatedAt,
        Restarts = (int)(container.Metadata?.Attempt ?? 0),
    };
}
