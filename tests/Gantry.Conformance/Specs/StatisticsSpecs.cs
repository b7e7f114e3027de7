using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Conformance.Specs;

/// <summary>What containers use, as the kubelet's resource metrics need it.</summary>
internal static class StatisticsSpecs
{
    public static IReadOnlyList<Spec> All { get; } =
    [
        new("stats/complete", "a running container has CPU, memory and a writable layer, each with its time", CompleteAsync),
        new("stats/attributes", "statistics name their container: id, metadata, labels, annotations", AttributesAsync),
        new("stats/memory", "memory that a container takes is in its usage, working set and rss", MemoryAsync),
        new("stats/available", "what is available is the limit less the working set, and is not told without a limit", AvailableAsync),
        new("stats/newer", "each answer's times are newer, and CPU time never goes back", NewerAsync),
        new("stats/cpu-rate", "a container that spins has a rate of CPU from the second answer on", RateAsync),
        new("stats/writable-layer", "what a container writes into its root is in its writable layer, bytes and inodes", WritableLayerAsync),
        new("stats/only-running", "the list has running containers alone", OnlyRunningAsync),
        new("stats/filters", "lists filter by id, prefix, pod and labels, and one that fits nothing is empty", FiltersAsync),
        new("stats/not-found", "statistics of what is not there are NotFound", NotFoundAsync),
        new("stats/exited", "a container that has exited still has statistics by its id, without CPU and memory", ExitedAsync),
        new("stats/churn", "the list never fails while containers come and go", ChurnAsync),
        new("stats/pressure", "with cgroup v2 a container has the pressure on CPU, memory and I/O", PressureAsync),
    ];

    internal static async Task<ContainerStats> ReadAsync(SpecContext cri, SpecContainer container) =>
        (await cri.Runtime.ContainerStatsAsync(new ContainerStatsRequest { ContainerId = container.Id })).Stats;

    private static async Task CompleteAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("sleep 1000");
        // The kernel adds up a cgroup's counters every two seconds; until then a new one's resident memory may be 0.
        await Check.EventuallyAsync(async () => (await ReadAsync(cri, container)).Memory?.RssBytes is { Value: > 0 }, "it has resident memory");
        var list = await cri.Runtime.ListContainerStatsAsync(new ListContainerStatsRequest { Filter = new ContainerStatsFilter { Id = container.Id } });
        foreach (var stats in list.Stats.Append(await ReadAsync(cri, container)))
        {
            Check.True(stats.Cpu.Timestamp > 0);
            Check.True(stats.Cpu.UsageCoreNanoSeconds.Value > 0);
            Check.True(stats.Memory.Timestamp > 0);
            Check.True(stats.Memory.UsageBytes.Value > 0);
            Check.True(stats.Memory.WorkingSetBytes.Value > 0);
            Check.True(stats.Memory.WorkingSetBytes.Value <= stats.Memory.UsageBytes.Value);
            Check.True(stats.Memory.RssBytes.Value > 0);
            Check.True(stats.Memory.PageFaults.Value > 0);
            Check.True(stats.Memory.MajorPageFaults is not null);
            Check.True(stats.WritableLayer.Timestamp > 0);
            Check.True(stats.WritableLayer.UsedBytes is not null);
            Check.True(stats.WritableLayer.InodesUsed is not null);
            Check.True(IsMountPoint(stats.WritableLayer.FsId.Mountpoint), stats.WritableLayer.FsId.Mountpoint);
        }
        Check.Equal(1, list.Stats.Count);
    }

    private static async Task AttributesAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("sleep 1000", config =>
        {
            config.Metadata.Attempt = 3;
            config.Labels["mark"] = "a label";
            config.Annotations["note"] = "an annotation";
        });
        var attributes = (await ReadAsync(cri, container)).Attributes;
        Check.Equal(container.Id, attributes.Id);
        Check.Equal(container.Config.Metadata.Name, attributes.Metadata.Name);
        Check.Equal(3u, attributes.Metadata.Attempt);
        Check.Equal("a label", attributes.Labels["mark"]);
        Check.Equal("an annotation", attributes.Annotations["note"]);
    }

    private static async Task MemoryAsync(SpecContext cri)
    {
        const ulong Taken = 20 << 20;
        var pod = await cri.RunPodAsync();
        // Not its last command, by which busybox's shell would replace itself.
        var container = await pod.RunShellAsync($"x=$(head -c {Taken} /dev/zero | tr '\\0' a); echo taken; sleep 1000; true");
        await Check.EventuallyAsync(() => Task.FromResult(container.ReadLog("stdout") == "taken\n"), "the memory has been taken");
        var memory = (await ReadAsync(cri, container)).Memory;
        Check.True(memory.UsageBytes.Value > Taken, $"{memory}");
        Check.True(memory.WorkingSetBytes.Value > Taken, $"{memory}");
        Check.True(memory.RssBytes.Value > Taken, $"{memory}");
    }

    private static async Task AvailableAsync(SpecContext cri)
    {
        const ulong Limit = 64 << 20;
        var pod = await cri.RunPodAsync();
        var limited = await pod.RunShellAsync("sleep 1000", config => config.Linux.Resources = new LinuxContainerResources { MemoryLimitInBytes = (long)Limit });
        var free = await pod.RunShellAsync("sleep 1000");
        var memory = (await ReadAsync(cri, limited)).Memory;
        Check.Equal(Limit, memory.AvailableBytes.Value + memory.WorkingSetBytes.Value);
        // Some servers say 0.
        Check.True((await ReadAsync(cri, free)).Memory.AvailableBytes is null or { Value: 0 });
    }

    private static async Task NewerAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("while true; do true; done");
        var before = await ReadAsync(cri, container);
        for (var n = 0; n < 20; n++)
        {
            var now = await ReadAsync(cri, container);
            Check.True(now.Cpu.Timestamp > before.Cpu.Timestamp);
            Check.True(now.Memory.Timestamp > before.Memory.Timestamp);
            Check.True(now.Cpu.UsageCoreNanoSeconds.Value >= before.Cpu.UsageCoreNanoSeconds.Value);
            before = now;
        }
    }

    private static async Task RateAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("while true; do true; done");
        await Check.EventuallyAsync(async () => (await ReadAsync(cri, container)).Cpu.UsageNanoCores is { Value: > 0 }, "there is a rate");
        var rate = (await ReadAsync(cri, container)).Cpu.UsageNanoCores.Value;
        // One process cannot use more than one core, but for a rounding of clocks.
        Check.True(rate < 1_500_000_000, $"{rate}");
    }

    private static async Task WritableLayerAsync(SpecContext cri)
    {
        const ulong Written = 5 << 20;
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("sleep 1000");
        var before = (await ReadAsync(cri, container)).WritableLayer;
        await container.ShellAsync($"mkdir -p /written/deep/er; head -c {Written} /dev/urandom > /written/deep/er/file; for n in 1 2 3 4 5 6 7; do echo $n > /written/$n; done; sync");
        // Walks of a layer cost, and are not made for every answer.
        await Check.EventuallyAsync(
            async () => (await ReadAsync(cri, container)).WritableLayer is { } now
                && now.UsedBytes.Value >= before.UsedBytes.Value + Written && now.InodesUsed.Value >= before.InodesUsed.Value + 11,
            "the writable layer has grown", TimeSpan.FromSeconds(60));
    }

    private static async Task OnlyRunningAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var created = await pod.CreateShellAsync("true");
        var exited = await pod.RunShellAsync("true");
        await exited.WaitForExitAsync();
        var running = await pod.RunShellAsync("sleep 1000");
        var list = await cri.Runtime.ListContainerStatsAsync(new ListContainerStatsRequest());
        Check.True(list.Stats.Any(stats => stats.Attributes.Id == running.Id));
        Check.True(list.Stats.All(stats => stats.Attributes.Id != created.Id && stats.Attributes.Id != exited.Id));
        Check.True(list.Stats.All(stats => stats.Cpu is not null && stats.Memory is not null));
    }

    private static async Task FiltersAsync(SpecContext cri)
    {
        var mark = cri.UniqueName("mark");
        var pod = await cri.RunPodAsync();
        var other = await cri.RunPodAsync();
        void Mark(ContainerConfig config) => config.Labels["mark"] = mark;
        var one = await pod.RunShellAsync("sleep 1000", Mark);
        var two = await pod.RunShellAsync("sleep 1000");
        var three = await other.RunShellAsync("sleep 1000", Mark);
        async Task<string> List(Action<ContainerStatsFilter> change)
        {
            var filter = new ContainerStatsFilter();
            change(filter);
            var list = await cri.Runtime.ListContainerStatsAsync(new ListContainerStatsRequest { Filter = filter });
            return Ids(list.Stats.Select(stats => stats.Attributes.Id));
        }
        string Ids(IEnumerable<string> ids) => string.Join(',', ids.Order(StringComparer.Ordinal));

        Check.Equal(two.Id, await List(filter => filter.Id = two.Id));
        Check.Equal(two.Id, await List(filter => filter.Id = two.Id[..16]));
        Check.Equal(Ids([one.Id, two.Id]), await List(filter => filter.PodSandboxId = pod.Id));
        Check.Equal(Ids([one.Id, three.Id]), await List(filter => filter.LabelSelector["mark"] = mark));
        Check.Equal("", await List(filter =>
        {
            filter.LabelSelector["mark"] = mark;
            filter.Id = two.Id;
        }));
        Check.Equal("", await List(filter => filter.Id = new string('0', 64)));
    }

    private static async Task NotFoundAsync(SpecContext cri)
    {
        var nobody = new string('e', 64);
        await Check.FailsAsync(StatusCode.NotFound, async () => await cri.Runtime.ContainerStatsAsync(new ContainerStatsRequest { ContainerId = nobody }), nobody[..12]);
        await Check.FailsAsync(StatusCode.NotFound, async () => await cri.Runtime.PodSandboxStatsAsync(new PodSandboxStatsRequest { PodSandboxId = nobody }), nobody[..12]);
    }

    private static async Task ExitedAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("true");
        await container.WaitForExitAsync();
        var stats = await ReadAsync(cri, container);
        Check.Equal(container.Id, stats.Attributes.Id);
        Check.True(stats.Cpu is null);
        Check.True(stats.Memory is null);
    }

    private static async Task ChurnAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var steady = await pod.RunShellAsync("sleep 1000");
        using var done = new CancellationTokenSource();
        var churn = Task.Run(async () =>
        {
            for (var n = 0; n < 8; n++)
            {
                var container = await pod.RunShellAsync("exit 0");
                await container.WaitForExitAsync();
                await container.RemoveAsync();
            }
            await done.CancelAsync();
        });
        do
        {
            var list = await cri.Runtime.ListContainerStatsAsync(new ListContainerStatsRequest { Filter = new ContainerStatsFilter { PodSandboxId = pod.Id } });
            Check.True(list.Stats.Any(stats => stats.Attributes.Id == steady.Id));
            foreach (var stats in list.Stats)
                Check.True(stats.Cpu is not null && stats.Memory is not null, $"{stats}");
            await cri.Runtime.ListPodSandboxStatsAsync(new ListPodSandboxStatsRequest());
        }
        while (!done.IsCancellationRequested && !churn.IsFaulted);
        await churn;
    }

    private static async Task PressureAsync(SpecContext cri)
    {
        if (!cri.Settings.HasCgroupV2)
            SpecContext.Skip("cgroup v1 keeps no pressure of containers");
        var pod = await cri.RunPodAsync();
        var stats = await ReadAsync(cri, await pod.RunShellAsync("while true; do true; done"));
        foreach (var psi in new[] { stats.Cpu.Psi, stats.Memory.Psi, stats.Io?.Psi })
        {
            Check.True(psi?.Some is not null);
            Check.True(psi!.Some.Avg10 is >= 0 and <= 100);
        }
    }

    private static bool IsMountPoint(string path) => File.ReadLines("/proc/self/mountinfo").Any(line => line.Split(' ')[4] == path);
}
