using Gantry.Cgroups;
using Gantry.Cri.Api;
using Gantry.Faults;

namespace Gantry.Cri.Translation;

/// <summary>LinuxContainerResources, both ways.</summary>
internal static class ResourcesFromCri
{
    public static LinuxResources Translate(LinuxContainerResources? given)
    {
        if (given is null)
            return LinuxResources.None;
        if (given.MemoryLimitInBytes < 0 || given.CpuPeriod < 0 || given.CpuShares < 0)
            throw new InvalidRequestException("linux.resources: memory_limit_in_bytes, cpu_period and cpu_shares cannot be negative");
        return new LinuxResources
        {
            CpuPeriod = given.CpuPeriod,
            CpuQuota = given.CpuQuota,
            CpuShares = given.CpuShares,
            MemoryLimit = given.MemoryLimitInBytes,
            MemorySwapLimit = given.MemorySwapLimitInBytes,
            OomScoreAdjustment = given.OomScoreAdj,
            CpusetCpus = given.CpusetCpus,
            CpusetMems = given.CpusetMems,
            HugepageLimits = given.HugepageLimits.DistinctBy(limit => limit.PageSize).ToDictionary(limit => limit.PageSize, limit => limit.Limit),
            Unified = new Dictionary<string, string>(given.Unified),
        };
    }

    public static LinuxContainerResources ToCri(LinuxResources resources)
    {
        var message = new LinuxContainerResources
        {
            CpuPeriod = resources.CpuPeriod,
            CpuQuota = resources.CpuQuota,
            CpuShares = resources.CpuShares,
            MemoryLimitInBytes = resources.MemoryLimit,
            MemorySwapLimitInBytes = resources.MemorySwapLimit,
            OomScoreAdj = resources.OomScoreAdjustment ?? 0,
            CpusetCpus = resources.CpusetCpus,
            CpusetMems = resources.CpusetMems,
        };
        message.HugepageLimits.Add(resources.HugepageLimits.Select(limit => new HugepageLimit { PageSize = limit.Key, Limit = limit.Value }));
        message.Unified.Add(new Dictionary<string, string>(resources.Unified));
        return message;
    }
}
