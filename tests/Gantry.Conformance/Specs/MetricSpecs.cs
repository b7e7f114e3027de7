using Gantry.Cri.Api;

namespace Gantry.Conformance.Specs;

/// <summary>The metrics of which a kubelet makes its /metrics/cadvisor when it takes them from the CRI.</summary>
internal static class MetricSpecs
{
    /// <summary>What dashboards and alerts ask for, and every node can tell.</summary>
    private static readonly string[] _expected =
    [
        "container_cpu_usage_seconds_total", "container_cpu_user_seconds_total", "container_cpu_system_seconds_total", "container_cpu_cfs_periods_total",
        "container_cpu_cfs_throttled_periods_total", "container_cpu_cfs_throttled_seconds_total", "container_memory_usage_bytes",
        "container_memory_working_set_bytes", "container_memory_rss", "container_memory_cache", "container_memory_swap", "container_memory_failcnt",
        "container_memory_failures_total", "container_memory_mapped_file", "container_memory_max_usage_bytes", "container_memory_kernel_usage",
        "container_oom_events_total", "container_fs_usage_bytes", "container_fs_limit_bytes", "container_fs_inodes_free", "container_fs_inodes_total",
        "container_network_receive_bytes_total", "container_network_receive_packets_total", "container_network_receive_errors_total",
        "container_network_receive_packets_dropped_total", "container_network_transmit_bytes_total", "container_network_transmit_packets_total",
        "container_network_transmit_errors_total", "container_network_transmit_packets_dropped_total", "container_processes", "container_threads",
        "container_threads_max", "container_file_descriptors", "container_sockets", "container_ulimits_soft", "container_last_seen",
        "container_start_time_seconds", "container_spec_cpu_period", "container_spec_cpu_shares", "container_spec_memory_limit_bytes",
        "container_spec_memory_swap_limit_bytes", "container_spec_memory_reservation_limit_bytes",
    ];

    public static IReadOnlyList<Spec> All { get; } =
    [
        new("metrics/descriptors", "each metric is described once, with a help text and labels", DescriptorsAsync),
        new("metrics/samples", "each sample has a descriptor and as many labels, and none is told twice", SamplesAsync),
        new("metrics/complete", "a pod with a running container has every metric that each node can tell", CompleteAsync),
        new("metrics/labels", "samples say pod, namespace, container and image", LabelsAsync),
        new("metrics/values", "limits, memory, processes and threads are what they are", ValuesAsync),
        new("metrics/ready", "stopped pods and exited containers have no samples", ReadyAsync),
    ];

    private static async Task<PodSandboxMetrics> ReadAsync(SpecContext cri, SpecPod pod) =>
        (await cri.Runtime.ListPodSandboxMetricsAsync(new ListPodSandboxMetricsRequest())).PodMetrics.Single(metrics => metrics.PodSandboxId == pod.Id);

    private static async Task<Dictionary<string, MetricDescriptor>> DescribeAsync(SpecContext cri) =>
        (await cri.Runtime.ListMetricDescriptorsAsync(new ListMetricDescriptorsRequest())).Descriptors.ToDictionary(descriptor => descriptor.Name);

    private static IEnumerable<Metric> Samples(PodSandboxMetrics metrics) => metrics.Metrics.Concat(metrics.ContainerMetrics.SelectMany(container => container.Metrics));

    private static async Task DescriptorsAsync(SpecContext cri)
    {
        var descriptors = await DescribeAsync(cri);
        foreach (var descriptor in descriptors.Values)
        {
            Check.True(descriptor.Help.Length > 0, descriptor.Name);
            Check.True(descriptor.LabelKeys.Count > 0, descriptor.Name);
            Check.Equal(descriptor.LabelKeys.Count, descriptor.LabelKeys.Distinct().Count());
        }
        foreach (var name in _expected)
            Check.True(descriptors.ContainsKey(name), name);
    }

    private static async Task SamplesAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        await pod.RunShellAsync("sleep 1000");
        await pod.RunShellAsync("sleep 1000");
        var descriptors = await DescribeAsync(cri);
        var seen = new HashSet<string>();
        foreach (var sample in Samples(await ReadAsync(cri, pod)))
        {
            Check.True(descriptors.ContainsKey(sample.Name), sample.Name);
            Check.Equal(descriptors[sample.Name].LabelKeys.Count, sample.LabelValues.Count);
            Check.True(sample.Value is not null, sample.Name);
            Check.True(seen.Add($"{sample.Name} {string.Join('\n', sample.LabelValues)}"), $"{sample} is told twice");
        }
    }

    private static async Task CompleteAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        await pod.RunShellAsync("sleep 1000");
        var told = Samples(await ReadAsync(cri, pod)).Select(sample => sample.Name).ToHashSet();
        Check.Equal("", string.Join(' ', _expected.Where(name => !told.Contains(name))));
    }

    private static async Task LabelsAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("sleep 1000");
        var descriptors = await DescribeAsync(cri);
        var metrics = await ReadAsync(cri, pod);
        string Label(Metric sample, string key) => sample.LabelValues[descriptors[sample.Name].LabelKeys.IndexOf(key)];
        Check.Equal(container.Id, metrics.ContainerMetrics.Single().ContainerId);
        foreach (var sample in metrics.ContainerMetrics[0].Metrics)
        {
            Check.Equal(pod.Config.Metadata.Name, Label(sample, "pod"));
            Check.Equal(pod.Config.Metadata.Namespace, Label(sample, "namespace"));
            Check.Equal(container.Config.Metadata.Name, Label(sample, "container"));
            Check.Equal(cri.Settings.Busybox, Label(sample, "image"));
        }
        foreach (var sample in metrics.Metrics)
        {
            Check.Equal(pod.Config.Metadata.Name, Label(sample, "pod"));
            Check.Equal(pod.Config.Metadata.Namespace, Label(sample, "namespace"));
        }
        Check.True(metrics.Metrics.Any(sample => sample.Name == "container_network_receive_bytes_total" && Label(sample, "interface") == "eth0"));
    }

    private static async Task ValuesAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        await pod.RunShellAsync("sleep 1000 & sleep 1000 & wait", config => config.Linux.Resources = new LinuxContainerResources
        {
            CpuPeriod = 100_000,
            CpuQuota = 50_000,
            CpuShares = 512,
            MemoryLimitInBytes = 64 << 20,
            MemorySwapLimitInBytes = 64 << 20,
        });
        ulong Value(PodSandboxMetrics metrics, string name) =>
            Samples(metrics).FirstOrDefault(sample => sample.Name == name)?.Value.Value ?? throw new SpecFailedException($"{name} is missing");
        await Check.EventuallyAsync(async () => Value(await ReadAsync(cri, pod), "container_processes") == 3, "three processes");
        var read = await ReadAsync(cri, pod);
        Check.Equal(512u, Value(read, "container_spec_cpu_shares"));
        Check.Equal(100_000u, Value(read, "container_spec_cpu_period"));
        Check.Equal(64ul << 20, Value(read, "container_spec_memory_limit_bytes"));
        Check.Equal(64ul << 20, Value(read, "container_spec_memory_swap_limit_bytes"));
        Check.Equal(3u, Value(read, "container_threads"));
        Check.True(Value(read, "container_file_descriptors") >= 9);
        Check.Equal(0u, Value(read, "container_sockets"));
        Check.Equal(0u, Value(read, "container_oom_events_total"));
        Check.True(Value(read, "container_memory_usage_bytes") is > 0 and < 64 << 20);
        Check.True(Value(read, "container_memory_max_usage_bytes") >= Value(read, "container_memory_working_set_bytes"));
        var now = (ulong)DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        Check.True(now - Value(read, "container_start_time_seconds") < 600);
        Check.True(Value(read, "container_fs_limit_bytes") > 64 << 20);
    }

    private static async Task ReadyAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var exited = await pod.RunShellAsync("true");
        await exited.WaitForExitAsync();
        Check.Equal(0, (await ReadAsync(cri, pod)).ContainerMetrics.Count);
        await pod.StopAsync();
        var all = await cri.Runtime.ListPodSandboxMetricsAsync(new ListPodSandboxMetricsRequest());
        Check.True(all.PodMetrics.All(metrics => metrics.PodSandboxId != pod.Id));
    }
}
