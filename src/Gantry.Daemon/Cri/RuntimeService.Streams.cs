using Gantry.Cri.Api;
using Gantry.Cri.Translation;
using Grpc.Core;

namespace Gantry.Cri;

/// <summary>The lists once more, in parts: for nodes whose whole list would not fit into one answer.</summary>
public sealed partial class RuntimeService
{
    public override Task StreamPodSandboxes(
        StreamPodSandboxesRequest request, IServerStreamWriter<StreamPodSandboxesResponse> responseStream, ServerCallContext context)
    {
        var pods = node.Pods.All.Where(pod => IsAsked(pod, request.Filter)).OrderByDescending(pod => pod.CreatedAt).Select(StatusToCri.PodEntry);
        return StreamBatches.SendAsync(pods, batch => new StreamPodSandboxesResponse { PodSandboxes = { batch } }, responseStream, context.CancellationToken);
    }

    public override Task StreamContainers(
        StreamContainersRequest request, IServerStreamWriter<StreamContainersResponse> responseStream, ServerCallContext context)
    {
        var containers = node.Containers.All.Where(container => IsAsked(container, request.Filter))
            .OrderByDescending(container => container.CreatedAt).Select(StatusToCri.ContainerEntry);
        return StreamBatches.SendAsync(containers, batch => new StreamContainersResponse { Containers = { batch } }, responseStream, context.CancellationToken);
    }

    public override Task StreamContainerStats(
        StreamContainerStatsRequest request, IServerStreamWriter<StreamContainerStatsResponse> responseStream, ServerCallContext context) =>
        StreamBatches.SendAsync(
            ListStats(request.Filter), batch => new StreamContainerStatsResponse { ContainerStats = { batch } }, responseStream, context.CancellationToken);

    public override async Task StreamPodSandboxStats(
        StreamPodSandboxStatsRequest request, IServerStreamWriter<StreamPodSandboxStatsResponse> responseStream, ServerCallContext context) =>
        await StreamBatches.SendAsync(
            await ListStatsAsync(request.Filter, context.CancellationToken), batch => new StreamPodSandboxStatsResponse { PodSandboxStats = { batch } },
            responseStream, context.CancellationToken);

    public override async Task StreamPodSandboxMetrics(
        StreamPodSandboxMetricsRequest request, IServerStreamWriter<StreamPodSandboxMetricsResponse> responseStream, ServerCallContext context) =>
        await StreamBatches.SendAsync(
            await ListMetricsAsync(context.CancellationToken), batch => new StreamPodSandboxMetricsResponse { PodSandboxMetrics = { batch } },
            responseStream, context.CancellationToken);
}
