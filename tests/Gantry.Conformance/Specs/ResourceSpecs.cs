using System.Globalization;
using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Conformance.Specs;

/// <summary>Limits of containers.</summary>
internal static class ResourceSpecs
{
    public static IReadOnlyList<Spec> All { get; } =
    [
        new("resources/applied", "CPU and memory limits are the cgroup's, and swap is off where none was asked for", AppliedAsync),
        new("resources/status", "a container's status tells its limits", StatusAsync),
        new("resources/oom", "a process that needs more memory than its limit is OOMKilled with 137", OomAsync),
        new("resources/oom-child", "when the kernel kills a child, the container goes on and is OOMKilled at its end", OomChildAsync),
        new("resources/kill-is-no-oom", "a process killed with SIGKILL is not OOMKilled", KillAsync),
        new("resources/oom-score", "oom_score_adj is the request's, where the machine lets root set it", OomScoreAsync),
        new("resources/update", "UpdateContainerResources changes a running container's limits, and its status shows it", UpdateAsync),
        new("resources/update-keeps", "limits that an update does not name stay as they are", UpdateKeepsAsync),
        new("resources/update-below-use", "a memory limit below what is in use is an error on cgroup v1, and the old limits stay and are told", UpdateBelowUseAsync),
        new("resources/cpuset", "a cpuset is applied", CpusetAsync),
        new("resources/swap", "memory_swap_limit is that of memory and swap together, and -1 is none", SwapAsync),
        new("resources/hugepages", "limits of huge pages are applied where the node counts them, and the kubelet's zeros never are an error", HugePagesAsync),
        new("resources/unified", "keys of cgroup v2 are applied, at the start and by an update, and are an error on v1", UnifiedAsync),
    ];

    private static async Task AppliedAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("sleep 1000", config => config.Linux.Resources = new LinuxContainerResources
        {
            CpuPeriod = 100_000,
            CpuQuota = 50_000,
            CpuShares = 512,
            MemoryLimitInBytes = 64 << 20,
        });
        if (cri.Settings.HasCgroupV2)
        {
            Check.Equal("50000 100000", await container.ShellAsync("cat /sys/fs/cgroup/cpu.max"));
            // Runtimes turn shares into weights by two rules; by both, half of the usual share is a part of the usual weight of 100.
            Check.True(await WeightAsync(container) is > 10 and < 90, $"cpu.weight is {await WeightAsync(container)}");
            Check.Equal("67108864", await container.ShellAsync("cat /sys/fs/cgroup/memory.max"));
            Check.Equal("0", await container.ShellAsync("cat /sys/fs/cgroup/memory.swap.max 2>/dev/null || echo 0"));
            return;
        }
        Check.Equal("50000", await container.ShellAsync("cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us"));
        Check.Equal("512", await container.ShellAsync("cat /sys/fs/cgroup/cpu/cpu.shares"));
        Check.Equal("67108864", await container.ShellAsync("cat /sys/fs/cgroup/memory/memory.limit_in_bytes"));
        Check.Equal("67108864", await container.ShellAsync("cat /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes 2>/dev/null || echo 67108864"));
    }

    private static async Task<int> WeightAsync(SpecContainer container) =>
        int.Parse(await container.ShellAsync("cat /sys/fs/cgroup/cpu.weight"), System.Globalization.CultureInfo.InvariantCulture);

    private static async Task StatusAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var asked = new LinuxContainerResources { CpuPeriod = 100_000, CpuQuota = 20_000, CpuShares = 256, MemoryLimitInBytes = 32 << 20 };
        var container = await pod.CreateShellAsync("true", config => config.Linux.Resources = asked);
        var told = (await container.StatusAsync()).Resources.Linux;
        Check.Equal(asked.CpuQuota, told.CpuQuota);
        Check.Equal(asked.CpuPeriod, told.CpuPeriod);
        Check.Equal(asked.CpuShares, told.CpuShares);
        Check.Equal(asked.MemoryLimitInBytes, told.MemoryLimitInBytes);
    }

    private static async Task OomAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        for (var n = 0; n < 3; n++)
        {
            var container = await pod.RunShellAsync("exec tail -c 1000000000 /dev/zero", Limit);
            var status = await container.WaitForExitAsync();
            Check.Equal("OOMKilled", status.Reason);
            Check.Equal(137, status.ExitCode);
        }
    }

    private static async Task OomChildAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("tail -c 1000000000 /dev/zero; echo went on; exit 7", Limit);
        var status = await container.WaitForExitAsync();
        Check.Contains("went on", container.ReadLog("stdout"));
        Check.Equal(7, status.ExitCode);
        Check.Equal("OOMKilled", status.Reason);
    }

    private static async Task KillAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("exec sleep 1000", Limit);
        await container.StopAsync();
        var status = await container.StatusAsync();
        Check.Equal(137, status.ExitCode);
        Check.Equal("Error", status.Reason);
    }

    private static async Task OomScoreAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        Check.Equal("937", await pod.OutputAsync("cat /proc/self/oom_score_adj", config => config.Linux.Resources = new LinuxContainerResources { OomScoreAdj = 937 }));
        var own = int.Parse(File.ReadAllText("/proc/self/oom_score_adj"), System.Globalization.CultureInfo.InvariantCulture);
        var low = int.Parse(await pod.OutputAsync("cat /proc/self/oom_score_adj", config => config.Linux.Resources = new LinuxContainerResources { OomScoreAdj = -500 }), System.Globalization.CultureInfo.InvariantCulture);
        Check.True(low == -500 || low == own, $"it is {low}");
    }

    private static async Task UpdateAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("sleep 1000", Limit);
        var weight = cri.Settings.HasCgroupV2 ? await WeightAsync(container) : 0;
        await cri.Runtime.UpdateContainerResourcesAsync(new UpdateContainerResourcesRequest
        {
            ContainerId = container.Id,
            Linux = new LinuxContainerResources { CpuPeriod = 100_000, CpuQuota = 30_000, CpuShares = 300, MemoryLimitInBytes = 96 << 20 },
        });
        var told = (await container.StatusAsync()).Resources.Linux;
        Check.Equal(30_000L, told.CpuQuota);
        Check.Equal(96L << 20, told.MemoryLimitInBytes);
        Check.Equal("100663296", await container.ShellAsync(cri.Settings.HasCgroupV2 ? "cat /sys/fs/cgroup/memory.max" : "cat /sys/fs/cgroup/memory/memory.limit_in_bytes"));
        Check.Equal("30000", await container.ShellAsync(cri.Settings.HasCgroupV2 ? "cut -d' ' -f1 /sys/fs/cgroup/cpu.max" : "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us"));
        if (cri.Settings.HasCgroupV2)
            Check.True(await WeightAsync(container) < weight, $"cpu.weight was {weight}, and is {await WeightAsync(container)}");
        else
            Check.Equal("300", await container.ShellAsync("cat /sys/fs/cgroup/cpu/cpu.shares"));
    }

    private static async Task UpdateKeepsAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("sleep 1000", Limit);
        await cri.Runtime.UpdateContainerResourcesAsync(new UpdateContainerResourcesRequest
        {
            ContainerId = container.Id,
            Linux = new LinuxContainerResources { CpuPeriod = 100_000, CpuQuota = 30_000 },
        });
        Check.Equal("20971520", await container.ShellAsync(cri.Settings.HasCgroupV2 ? "cat /sys/fs/cgroup/memory.max" : "cat /sys/fs/cgroup/memory/memory.limit_in_bytes"));
        Check.Equal(20L << 20, (await container.StatusAsync()).Resources.Linux.MemoryLimitInBytes);
    }

    private static async Task UpdateBelowUseAsync(SpecContext cri)
    {
        if (cri.Settings.HasCgroupV2)
            SpecContext.Skip("cgroup v2 takes the limit, and kills what is above it");
        var pod = await cri.RunPodAsync();
        // What tail keeps is a line without an end, which nobody takes from it.
        var container = await pod.RunShellAsync("head -c 50000000 /dev/zero | tail | sleep 1000", config =>
            config.Linux.Resources = new LinuxContainerResources { MemoryLimitInBytes = 100 << 20 });
        await Check.EventuallyAsync(async () => long.Parse(await container.ShellAsync("cat /sys/fs/cgroup/memory/memory.usage_in_bytes"), CultureInfo.InvariantCulture) > 50_000_000, "the memory is in use");
        try
        {
            await cri.Runtime.UpdateContainerResourcesAsync(new UpdateContainerResourcesRequest
            {
                ContainerId = container.Id,
                Linux = new LinuxContainerResources { MemoryLimitInBytes = 20 << 20 },
            });
        }
        catch (RpcException)
        {
            var status = await container.StatusAsync();
            Check.Equal(ContainerState.ContainerRunning, status.State);
            Check.Equal(100L << 20, status.Resources.Linux.MemoryLimitInBytes);
            Check.Equal("104857600", await container.ShellAsync("cat /sys/fs/cgroup/memory/memory.limit_in_bytes"));
            return;
        }
        throw new SpecFailedException("a limit below what is in use was taken");
    }

    private static async Task CpusetAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        Check.Equal("0", await pod.OutputAsync(
            "grep Cpus_allowed_list /proc/self/status | cut -f2", config => config.Linux.Resources = new LinuxContainerResources { CpusetCpus = "0" }));
    }

    private static async Task SwapAsync(SpecContext cri)
    {
        var file = cri.Settings.HasCgroupV2 ? "/sys/fs/cgroup/memory.swap.max" : "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes";
        var pod = await cri.RunPodAsync();
        async Task<string> LimitOf(long swap) => await pod.OutputAsync(
            $"cat {file} 2>/dev/null || echo none", config => config.Linux.Resources = new LinuxContainerResources { MemoryLimitInBytes = 32 << 20, MemorySwapLimitInBytes = swap });
        var limited = await LimitOf(48 << 20);
        if (limited == "none")
            SpecContext.Skip("this kernel does not count swap");
        Check.Equal(cri.Settings.HasCgroupV2 ? $"{16 << 20}" : $"{48 << 20}", limited);
        var unlimited = await LimitOf(-1);
        Check.True(unlimited == "max" || long.Parse(unlimited, System.Globalization.CultureInfo.InvariantCulture) > 1L << 60, unlimited);
    }

    private static async Task HugePagesAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var output = await pod.OutputAsync(
            "cat /sys/fs/cgroup/hugetlb.2MB.max /sys/fs/cgroup/hugetlb/hugetlb.2MB.limit_in_bytes 2>/dev/null || echo none",
            config => config.Linux.Resources = new LinuxContainerResources
            {
                HugepageLimits = { new HugepageLimit { PageSize = "2MB", Limit = 4 << 20 }, new HugepageLimit { PageSize = "1GB", Limit = 0 } },
            });
        Check.True(output is "4194304" or "none" or "4194304\nnone", output);
    }

    private static async Task UnifiedAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        static LinuxContainerResources Low(string bytes) => new() { MemoryLimitInBytes = 64 << 20, Unified = { ["memory.low"] = bytes } };
        if (!cri.Settings.HasCgroupV2)
        {
            await Check.FailsAsync(Grpc.Core.StatusCode.InvalidArgument, () => pod.CreateShellAsync("true", config => config.Linux.Resources = Low("1048576")), "cgroup v2");
            var plain = await pod.RunShellAsync("sleep 1000");
            await Check.FailsAsync(
                Grpc.Core.StatusCode.InvalidArgument,
                async () => await cri.Runtime.UpdateContainerResourcesAsync(new UpdateContainerResourcesRequest { ContainerId = plain.Id, Linux = Low("1048576") }), "cgroup v2");
            return;
        }
        var container = await pod.RunShellAsync("sleep 1000", config => config.Linux.Resources = Low("1048576"));
        Check.Equal("1048576", await container.ShellAsync("cat /sys/fs/cgroup/memory.low"));
        await cri.Runtime.UpdateContainerResourcesAsync(new UpdateContainerResourcesRequest { ContainerId = container.Id, Linux = Low("2097152") });
        Check.Equal("2097152", await container.ShellAsync("cat /sys/fs/cgroup/memory.low"));
        Check.Equal("2097152", (await container.StatusAsync()).Resources.Linux.Unified["memory.low"]);
    }

    private static void Limit(ContainerConfig config) => config.Linux.Resources = new LinuxContainerResources { MemoryLimitInBytes = 20 << 20 };
}
