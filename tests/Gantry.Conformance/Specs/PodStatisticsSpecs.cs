using Gantry.Cri.Api;

namespace Gantry.Conformance.Specs;

/// <summary>What pods use.</summary>
internal static class PodStatisticsSpecs
{
    public static IReadOnlyList<Spec> All { get; } =
    [
        new("pod-stats/complete", "a pod has CPU, memory, network, a number of processes, and its running containers", CompleteAsync),
        new("pod-stats/network", "what a pod sends and receives is in the counters of its eth0", NetworkAsync),
        new("pod-stats/host-network", "a pod on the host's network has no network of its own to tell of", HostNetworkAsync),
        new("pod-stats/processes", "each process of a pod's containers is counted", ProcessesAsync),
        new("pod-stats/ready", "the list has Ready pods alone, and a stopped one still has statistics by its id", ReadyAsync),
        new("pod-stats/filters", "the list filters by id, prefix and labels", FiltersAsync),
        new("pod-stats/no-containers", "a pod without containers has statistics", NoContainersAsync),
        new("pod-stats/newer", "each answer's times are newer", NewerAsync),
    ];

    private static async Task<PodSandboxStats> ReadAsync(SpecContext cri, SpecPod pod) =>
        (await cri.Runtime.PodSandboxStatsAsync(new PodSandboxStatsRequest { PodSandboxId = pod.Id })).Stats;

    private static async Task CompleteAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync(config => config.Annotations["note"] = "an annotation");
        var container = await pod.RunShellAsync("sleep 1000");
        var exited = await pod.RunShellAsync("true");
        await exited.WaitForExitAsync();
        var listed = await cri.Runtime.ListPodSandboxStatsAsync(new ListPodSandboxStatsRequest());
        foreach (var stats in new[] { await ReadAsync(cri, pod), listed.Stats.Single(stats => stats.Attributes.Id == pod.Id) })
        {
            Check.Equal(pod.Id, stats.Attributes.Id);
            Check.Equal(pod.Config.Metadata, stats.Attributes.Metadata);
            Check.Equal("an annotation", stats.Attributes.Annotations["note"]);
            Check.True(stats.Linux.Cpu is { Timestamp: > 0, UsageCoreNanoSeconds.Value: > 0 });
            Check.True(stats.Linux.Memory is { Timestamp: > 0, UsageBytes.Value: > 0, WorkingSetBytes.Value: > 0 });
            Check.True(stats.Linux.Network is { Timestamp: > 0, DefaultInterface.Name: "eth0" });
            Check.True(stats.Linux.Process is { Timestamp: > 0, ProcessCount.Value: >= 1 });
            Check.Equal(container.Id, string.Join(',', stats.Linux.Containers.Select(one => one.Attributes.Id)));
            Check.True(stats.Linux.Containers[0].Cpu.UsageCoreNanoSeconds.Value > 0);
            Check.True(stats.Windows is null);
        }
    }

    private static async Task NetworkAsync(SpecContext cri)
    {
        const ulong Bytes = 3 * 1200;
        var other = await cri.RunPodAsync();
        var address = (await other.StatusAsync()).Network.Ip;
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("sleep 1000");
        async Task<NetworkInterfaceUsage> Read(SpecPod of) => (await ReadAsync(cri, of)).Linux.Network.DefaultInterface;
        var before = await Read(pod);
        var otherBefore = await Read(other);
        await container.ShellAsync($"ping -c 3 -s 1200 {address}");
        var now = await Read(pod);
        Check.True(now.TxBytes.Value >= before.TxBytes.Value + Bytes, $"{before} {now}");
        Check.True(now.RxBytes.Value >= before.RxBytes.Value + Bytes, $"{before} {now}");
        Check.True((await Read(other)).RxBytes.Value >= otherBefore.RxBytes.Value + Bytes);
    }

    private static async Task HostNetworkAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync(config =>
        {
            config.Hostname = "";
            config.Linux.SecurityContext.NamespaceOptions.Network = NamespaceMode.Node;
        });
        Check.True((await ReadAsync(cri, pod)).Linux.Network is null);
    }

    private static async Task ProcessesAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        await pod.RunShellAsync("sleep 1000 & sleep 1000 & sleep 1000");
        await pod.RunShellAsync("sleep 1000 & sleep 1000");
        // Shells may replace themselves by their last command.
        await Check.EventuallyAsync(async () => (await ReadAsync(cri, pod)).Linux.Process.ProcessCount.Value is >= 5 and <= 7, "all processes are counted");
    }

    private static async Task ReadyAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var ready = await cri.RunPodAsync();
        await pod.StopAsync();
        var listed = (await cri.Runtime.ListPodSandboxStatsAsync(new ListPodSandboxStatsRequest())).Stats.Select(stats => stats.Attributes.Id).ToList();
        Check.True(listed.Contains(ready.Id));
        Check.True(!listed.Contains(pod.Id));
        var stopped = await ReadAsync(cri, pod);
        Check.Equal(pod.Id, stopped.Attributes.Id);
        Check.True(stopped.Linux is not null);
    }

    private static async Task FiltersAsync(SpecContext cri)
    {
        var mark = cri.UniqueName("mark");
        var one = await cri.RunPodAsync(config => config.Labels["mark"] = mark);
        var two = await cri.RunPodAsync(config => config.Labels["mark"] = mark);
        async Task<string> List(Action<PodSandboxStatsFilter> change)
        {
            var filter = new PodSandboxStatsFilter();
            change(filter);
            var list = await cri.Runtime.ListPodSandboxStatsAsync(new ListPodSandboxStatsRequest { Filter = filter });
            return string.Join(',', list.Stats.Select(stats => stats.Attributes.Id).Order(StringComparer.Ordinal));
        }
        Check.Equal(one.Id, await List(filter => filter.Id = one.Id));
        Check.Equal(one.Id, await List(filter => filter.Id = one.Id[..16]));
        Check.Equal(string.Join(',', new[] { one.Id, two.Id }.Order(StringComparer.Ordinal)), await List(filter => filter.LabelSelector["mark"] = mark));
        Check.Equal("", await List(filter => filter.LabelSelector["mark"] = "another"));
    }

    private static async Task NoContainersAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var stats = await ReadAsync(cri, pod);
        Check.True(stats.Linux.Cpu is { Timestamp: > 0, UsageCoreNanoSeconds: not null });
        Check.True(stats.Linux.Memory is { Timestamp: > 0, WorkingSetBytes: not null });
        Check.True(stats.Linux.Network is not null);
        Check.Equal(0, stats.Linux.Containers.Count);
    }

    private static async Task NewerAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        await pod.RunShellAsync("sleep 1000");
        var before = (await ReadAsync(cri, pod)).Linux;
        for (var n = 0; n < 10; n++)
        {
            var now = (await ReadAsync(cri, pod)).Linux;
            Check.True(now.Cpu.Timestamp > before.Cpu.Timestamp);
            Check.True(now.Memory.Timestamp > before.Memory.Timestamp);
            Check.True(now.Network.Timestamp > before.Network.Timestamp);
            Check.True(now.Process.Timestamp > before.Process.Timestamp);
            Check.True(now.Cpu.UsageCoreNanoSeconds.Value >= before.Cpu.UsageCoreNanoSeconds.Value);
            before = now;
        }
    }
}
