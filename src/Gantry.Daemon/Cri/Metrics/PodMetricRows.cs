using Gantry.Cri.Api;
using Gantry.Networking;
using Gantry.Pods;

namespace Gantry.Cri.Metrics;

/// <summary>A pod's own samples, which are those of its network.</summary>
internal static class PodMetricRows
{
    public static PodSandboxMetrics Of(PodRecord pod, IReadOnlyList<InterfaceCounters> interfaces)
    {
        var rows = new MetricRows(["", pod.CgroupPath, "", pod.Id.Value, pod.Spec.Namespace, pod.Spec.Name]);
        foreach (var counters in interfaces)
        {
            rows.Add(MetricCatalog.ReceiveBytes, counters.ReceivedBytes, counters.Name);
            rows.Add(MetricCatalog.ReceivePackets, counters.ReceivedPackets, counters.Name);
            rows.Add(MetricCatalog.ReceiveDrops, counters.ReceiveDrops, counters.Name);
            rows.Add(MetricCatalog.ReceiveErrors, counters.ReceiveErrors, counters.Name);
            rows.Add(MetricCatalog.TransmitBytes, counters.SentBytes, counters.Name);
            rows.Add(MetricCatalog.TransmitPackets, counters.SentPackets, counters.Name);
            rows.Add(MetricCatalog.TransmitDrops, counters.SendDrops, counters.Name);
            rows.Add(MetricCatalog.TransmitErrors, counters.SendErrors, counters.Name);
        }
        var metrics = new PodSandboxMetrics { PodSandboxId = pod.Id.Value };
        metrics.Metrics.Add(rows.Samples);
        return metrics;
    }
}
