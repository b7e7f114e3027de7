namespace Gantry.Cgroups;

/// <summary>
/// The directories in which the kernel tells of one cgroup: with v2 one for everything, with v1 one for each controller,
/// null for a controller that this node does not have. The cgroup itself need not exist.
/// </summary>
/// <param name="Cpu">Weights, quota and throttling.</param>
/// <param name="CpuAccount">CPU time.</param>
/// <param name="Memory">Memory and swap.</param>
/// <param name="BlockIo">Reads and writes of block devices.</param>
/// <param name="Tasks">Numbers of threads; also where its processes are listed.</param>
/// <param name="HugePages">Pages of hugetlbfs.</param>
public sealed record CgroupPlace(string? Cpu, string? CpuAccount, string? Memory, string? BlockIo, string? Tasks, string? HugePages)
{
    /// <summary>Where the processes of the cgroup are listed: in every controller's directory, so in one that is there.</summary>
    public string? Processes => Tasks ?? Memory ?? CpuAccount;

    /// <summary>The place of a cgroup of that path below the controllers' roots.</summary>
    public static CgroupPlace Of(CgroupHierarchy hierarchy, string path) => new(
        hierarchy.Folder("cpu", path), hierarchy.Folder("cpuacct", path), hierarchy.Folder("memory", path),
        hierarchy.Folder("blkio", path), hierarchy.Folder("pids", path), hierarchy.Folder("hugetlb", path));
}
