using Gantry.Cgroups;
using Gantry.Oci.Spec;

namespace Gantry.Oci;

/// <summary>Limits as the OCI runtime reads them.</summary>
public static class OciResourcesFrom
{
    /// <summary>What was not asked for is left out, so that an update leaves it as it is.</summary>
    public static OciResources Limits(LinuxResources resources) => new()
    {
        Cpu = Cpu(resources),
        Memory = Memory(resources),
        HugepageLimits = resources.HugepageLimits.Count > 0 && HasHugePages.Value ? [.. resources.HugepageLimits.Select(limit => new OciHugepageLimit(limit.Key, limit.Value))] : null,
        Unified = resources.Unified.Count > 0 ? resources.Unified : null,
    };

    private static OciCpu? Cpu(LinuxResources resources)
    {
        var isAsked = resources.CpuShares > 0 || resources.CpuQuota != 0 || resources.CpuPeriod > 0 || resources.CpusetCpus.Length > 0 || resources.CpusetMems.Length > 0;
        return !isAsked ? null : new OciCpu
        {
            Shares = resources.CpuShares > 0 ? (ulong)resources.CpuShares : null,
            Quota = resources.CpuQuota != 0 ? resources.CpuQuota : null,
            Period = resources.CpuPeriod > 0 ? (ulong)resources.CpuPeriod : null,
            Cpus = resources.CpusetCpus.Length > 0 ? resources.CpusetCpus : null,
            Mems = resources.CpusetMems.Length > 0 ? resources.CpusetMems : null,
        };
    }

    /// <summary>No swap was asked for means no swap: memory and swap together are the memory's limit.</summary>
    private static OciMemory? Memory(LinuxResources resources) => resources.MemoryLimit <= 0
        ? null
        : new OciMemory(resources.MemoryLimit, HasSwapAccounting.Value ? resources.MemorySwapLimit != 0 ? resources.MemorySwapLimit : resources.MemoryLimit : null);

    /// <summary>
    /// The kubelet sends a limit, 0 mostly, for each size of page that the processor has, whether the node counts them or not;
    /// it schedules none where it does not.
    /// </summary>
    private static Lazy<bool> HasHugePages { get; } = new(() => Directory.Exists("/sys/fs/cgroup/hugetlb")
        || (File.Exists("/sys/fs/cgroup/cgroup.controllers") && File.ReadAllText("/sys/fs/cgroup/cgroup.controllers").Split().Contains("hugetlb")));

    /// <summary>Some kernels account no swap; asking for a limit there is an error.</summary>
    private static Lazy<bool> HasSwapAccounting { get; } =
        new(() => File.Exists("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes") || File.Exists("/sys/fs/cgroup/cgroup.controllers"));
}
