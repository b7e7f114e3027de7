using Gantry.Faults;

namespace Gantry.Cgroups;

/// <summary>
/// Limits of a pod or container, as the CRI's LinuxContainerResources gives them. 0 or empty means: not asked for.
/// </summary>
public sealed record LinuxResources
{
    public static LinuxResources None { get; } = new();

    /// <summary>CFS period in microseconds.</summary>
    public long CpuPeriod { get; init; }

    /// <summary>CFS quota in microseconds a period; negative means no limit.</summary>
    public long CpuQuota { get; init; }

    /// <summary>Relative weight, cgroup v1 scale (2 to 262144).</summary>
    public long CpuShares { get; init; }

    /// <summary>Bytes.</summary>
    public long MemoryLimit { get; init; }

    /// <summary>Memory and swap together, bytes; -1 means unlimited swap.</summary>
    public long MemorySwapLimit { get; init; }

    /// <summary>-1000 to 1000; null where it was not given.</summary>
    public long? OomScoreAdjustment { get; init; }

    /// <summary>CPU list, as "0-3,7".</summary>
    public string CpusetCpus { get; init; } = "";

    /// <summary>Memory node list.</summary>
    public string CpusetMems { get; init; } = "";

    /// <summary>Bytes by page size, as "2MB".</summary>
    public IReadOnlyDictionary<string, ulong> HugepageLimits { get; init; } = new Dictionary<string, ulong>();

    /// <summary>cgroup v2 files and their values, written as given.</summary>
    public IReadOnlyDictionary<string, string> Unified { get; init; } = new Dictionary<string, string>();

    /// <summary>Refuses what this node's cgroups cannot do: a container must never run with less than was asked for.</summary>
    /// <param name="mode">The node's.</param>
    /// <param name="container">For the message.</param>
    /// <exception cref="InvalidRequestException">Keys of cgroup v2 are given on a node with v1.</exception>
    public void CheckFits(CgroupMode mode, string container)
    {
        if (Unified.Count > 0 && mode is not CgroupMode.V2)
            throw new InvalidRequestException($"container {container}: unified resources need cgroup v2, and this node has v1");
    }
}
