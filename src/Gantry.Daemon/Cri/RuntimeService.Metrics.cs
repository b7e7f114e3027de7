using Gantry.Cri.Api;
using Gantry.Cri.Metrics;
using Gantry.Persistence;
using Gantry.Pods;
using Gantry.Statistics;
using Grpc.Core;

namespace Gantry.Cri;

public sealed partial class RuntimeService
{
    public override Task<ListMetricDescriptorsResponse> ListMetricDescriptors(ListMetricDescriptorsRequest request, ServerCallContext context)
    {
        var response = new ListMetricDescriptorsResponse();
        response.Descriptors.Add(MetricCatalog.Describe());
        return Task.FromResult(response);
    }

    public override async Task<ListPodSandboxMetricsResponse> ListPodSandboxMetrics(ListPodSandboxMetricsRequest request, ServerCallContext context)
    {
        var response = new ListPodSandboxMetricsResponse();
        response.PodMetrics.Add(await ListMetricsAsync(context.CancellationToken));
        return response;
    }

    private async Task<IEnumerable<PodSandboxMetrics>> ListMetricsAsync(CancellationToken cancel)
    {
        var pods = node.Pods.All.Where(pod => pod is { State: PodState.Ready, Spec.IsLocal: false }).ToList();
        var interfaces = await node.Statistics.ReadNetworkAsync(pods, cancel);
        var now = (ulong)(TimeProvider.System.Nanoseconds() / 1_000_000_000);
        var around = new MetricSurroundings(node.Storage.Containers.Device, node.Storage.Containers.Space(), new BlockDeviceNames(), now);
        var containers = node.Containers.All.ToLookup(container => container.Pod);
        return pods.Select(pod =>
        {
            var metrics = PodMetricRows.Of(pod, interfaces.GetValueOrDefault(pod.Id) ?? []);
            metrics.ContainerMetrics.Add(node.Statistics.ReadDetails(containers[pod.Id]).Select(detail => ContainerMetricRows.Of(pod, detail, around)));
            return metrics;
        });
    }
}
