using Gantry.Cgroups;
using Gantry.Concurrency;
using Gantry.Faults;
using Gantry.Identity;

namespace Gantry.Containers;

/// <summary>Changes the limits of a created or running container; its status shows them at once.</summary>
public sealed class ContainerUpdater(ContainerStore containers, RuntimeHandlers runtimes, CgroupHierarchy cgroups, KeyedLock<ContainerId> locks)
{
    /// <exception cref="NotFoundException">There is no such container.</exception>
    /// <exception cref="InvalidRequestException">Keys of cgroup v2 are given on a node with v1.</exception>
    /// <exception cref="WrongStateException">It has ended.</exception>
    /// <exception cref="ToolFailedException">The kernel refused, as for memory below what is in use; the old limits stay.</exception>
    public async Task UpdateAsync(string idOrPrefix, LinuxResources change, CancellationToken cancel)
    {
        var id = containers.Get(idOrPrefix).Id;
        change.CheckFits(cgroups.Mode, id.Short);
        using var held = await locks.EnterAsync(id, cancel);
        var record = containers.Get(id.Value);
        if (record.State is not (ContainerState.Created or ContainerState.Running))
            throw new WrongStateException($"container {id.Short} is {record.State}: its limits can no longer be changed");
        await runtimes.Get(record.Handler).UpdateAsync(id, change, CancellationToken.None);
        containers.Update(id, now => now with { Resources = Merge(now.Resources, change) });
    }

    /// <summary>What was not given stays as it was.</summary>
    internal static LinuxResources Merge(LinuxResources before, LinuxResources change) => before with
    {
        CpuPeriod = change.CpuPeriod != 0 ? change.CpuPeriod : before.CpuPeriod,
        CpuQuota = change.CpuQuota != 0 ? change.CpuQuota : before.CpuQuota,
        CpuShares = change.CpuShares != 0 ? change.CpuShares : before.CpuShares,
        MemoryLimit = change.MemoryLimit != 0 ? change.MemoryLimit : before.MemoryLimit,
        MemorySwapLimit = change.MemorySwapLimit != 0 ? change.MemorySwapLimit : before.MemorySwapLimit,
        OomScoreAdjustment = change.OomScoreAdjustment ?? before.OomScoreAdjustment,
        CpusetCpus = change.CpusetCpus.Length > 0 ? change.CpusetCpus : before.CpusetCpus,
        CpusetMems = change.CpusetMems.Length > 0 ? change.CpusetMems : before.CpusetMems,
        HugepageLimits = change.HugepageLimits.Count > 0 ? change.HugepageLimits : before.HugepageLimits,
        Unified = change.Unified.Count > 0 ? change.Unified : before.Unified,
    };
}
