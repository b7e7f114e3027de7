using Gantry.Containers;
using Gantry.Cri.Api;
using Gantry.Cri.Translation;
using Gantry.Pods;
using Grpc.Core;

namespace Gantry.Cri;

public sealed partial class RuntimeService
{
    public override Task<ContainerStatsResponse> ContainerStats(ContainerStatsRequest request, ServerCallContext context)
    {
        var usage = node.Statistics.Read(node.Containers.Get(request.ContainerId));
        return Task.FromResult(new ContainerStatsResponse { Stats = UsageToCri.Container(usage, node.Storage.Containers.MountPoint) });
    }

    public override Task<ListContainerStatsResponse> ListContainerStats(ListContainerStatsRequest request, ServerCallContext context)
    {
        var response = new ListContainerStatsResponse();
        response.Stats.Add(ListStats(request.Filter));
        return Task.FromResult(response);
    }

    public override async Task<PodSandboxStatsResponse> PodSandboxStats(PodSandboxStatsRequest request, ServerCallContext context)
    {
        var usage = await node.Statistics.ReadAsync([node.Pods.Get(request.PodSandboxId)], context.CancellationToken);
        return new PodSandboxStatsResponse { Stats = UsageToCri.Pod(usage[0], node.Storage.Containers.MountPoint) };
    }

    public override async Task<ListPodSandboxStatsResponse> ListPodSandboxStats(ListPodSandboxStatsRequest request, ServerCallContext context)
    {
        var response = new ListPodSandboxStatsResponse();
        response.Stats.Add(await ListStatsAsync(request.Filter, context.CancellationToken));
        return response;
    }

    private IEnumerable<ContainerStats> ListStats(ContainerStatsFilter? filter)
    {
        var mountPoint = node.Storage.Containers.MountPoint;
        return node.Statistics.ReadRunning(NotLocal().Where(container => IsAsked(container, filter)))
            .Select(usage => UsageToCri.Container(usage, mountPoint));
    }

    private async Task<IEnumerable<PodSandboxStats>> ListStatsAsync(PodSandboxStatsFilter? filter, CancellationToken cancel)
    {
        var mountPoint = node.Storage.Containers.MountPoint;
        var pods = node.Pods.All.Where(pod => pod.State is PodState.Ready && IsAsked(pod, filter)).ToList();
        return (await node.Statistics.ReadAsync(pods, cancel)).Select(usage => UsageToCri.Pod(usage, mountPoint));
    }

    private static bool IsAsked(ContainerRecord container, ContainerStatsFilter? filter) =>
        filter is null
        || (container.Id.Value.StartsWith(filter.Id, StringComparison.Ordinal)
            && container.Pod.Value.StartsWith(filter.PodSandboxId, StringComparison.Ordinal)
            && HasLabels(container.Spec.Labels, filter.LabelSelector));

    private static bool IsAsked(PodRecord pod, PodSandboxStatsFilter? filter) =>
        !pod.Spec.IsLocal && (filter is null
            || (pod.Id.Value.StartsWith(filter.Id, StringComparison.Ordinal) && HasLabels(pod.Spec.Labels, filter.LabelSelector)));
}
