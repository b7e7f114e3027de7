using Gantry.Cri.Api;
using Gantry.Cri.Translation;
using Grpc.Core;

namespace Gantry.Cri;

/// <summary>The lists once more, in parts: for nodes whose whole list would not fit into one answer.</summary>
public sealed partial class RuntimeService
{
    public override Task StreamPodSandboxes(
        StreamPodSandboxesRequest request, IServerStreamWriter<StreamPodSandboxesResponse> responseStream, ServerCallContext context) =>
        StreamBatches.SendAsync(
            Listed(request.Filter).Select(StatusToCri.PodEntry), batch => new StreamPodSandboxesResponse { PodSandboxes = { batch } },
            responseStream, context.CancellationToken);

    public override Task StreamContainers(
        StreamContainersRequest request, IServerStreamWriter<StreamContainersResponse> responseStream, ServerCallContext context) =>
        StreamBatches.SendAsync(
            Listed(request.Filter).Select(StatusToCri.ContainerEntry), batch => new StreamContainersResponse { Containers = { batch } },
            responseStream, context.CancellationToken);

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
