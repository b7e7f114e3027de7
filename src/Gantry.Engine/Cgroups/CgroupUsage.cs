namespace Gantry.Cgroups;

/// <summary>CPU time of a cgroup and those below it, and how often its quota held it back.</summary>
/// <param name="UserNanoseconds">In programs.</param>
/// <param name="SystemNanoseconds">In the kernel.</param>
/// <param name="Periods">Periods of the quota in which it had something to run.</param>
/// <param name="ThrottledPeriods">Those in which it used its quota up.</param>
/// <param name="ThrottledNanoseconds">For how long it was held back.</param>
public sealed record CgroupCpu(ulong UserNanoseconds, ulong SystemNanoseconds, ulong Periods, ulong ThrottledPeriods, ulong ThrottledNanoseconds);

/// <summary>Memory of a cgroup and those below it, in bytes.</summary>
public sealed record CgroupMemory
{
    /// <summary>Everything that is charged: anonymous, page cache, kernel.</summary>
    public required ulong Usage { get; init; }

    /// <summary>What the kernel could not take back at once: usage without the inactive page cache.</summary>
    public ulong WorkingSet => Usage > InactiveFile ? Usage - InactiveFile : 0;

    /// <summary>Null for no limit of its own.</summary>
    public ulong? Limit { get; init; }

    /// <summary>What may still be used of the limit, by the working set's measure; null without a limit.</summary>
    public ulong? Available => Limit is { } limit ? (limit > WorkingSet ? limit - WorkingSet : 0) : null;

    /// <summary>Anonymous memory, huge pages included.</summary>
    public ulong Rss { get; init; }

    /// <summary>Page cache, shared memory included.</summary>
    public ulong Cache { get; init; }

    public ulong MappedFile { get; init; }

    public ulong ActiveFile { get; init; }

    public ulong InactiveFile { get; init; }

    /// <summary>A count.</summary>
    public ulong PageFaults { get; init; }

    /// <summary>A count: those that had to wait for the disk.</summary>
    public ulong MajorPageFaults { get; init; }

    /// <summary>Null where this kernel does not account for swap.</summary>
    public ulong? Swap { get; init; }

    /// <summary>How much of swap may be used; null for no limit.</summary>
    public ulong? SwapLimit { get; init; }

    /// <summary>Null without a limit, or without accounting.</summary>
    public ulong? SwapAvailable => SwapLimit is { } limit && Swap is { } used ? (limit > used ? limit - used : 0) : null;
}

/// <summary>What of a cgroup's memory only metrics ask for.</summary>
/// <param name="Peak">The highest usage, in bytes.</param>
/// <param name="Kernel">Of the usage what the kernel needs for it, in bytes.</param>
/// <param name="LimitHits">How often the limit was run into.</param>
/// <param name="OomKills">How many processes were killed for want of memory.</param>
/// <param name="OwnPageFaults">Page faults of the cgroup itself, without those below.</param>
/// <param name="OwnMajorPageFaults">Likewise.</param>
public sealed record CgroupMemoryDetail(ulong Peak, ulong Kernel, ulong LimitHits, ulong OomKills, ulong OwnPageFaults, ulong OwnMajorPageFaults);

/// <summary>How long tasks have waited for a resource (Documentation/accounting/psi.rst).</summary>
/// <param name="Average10">Percent of the last ten seconds.</param>
/// <param name="Average60">Of the last minute.</param>
/// <param name="Average300">Of the last five minutes.</param>
/// <param name="TotalMicroseconds">Since the cgroup was made.</param>
public readonly record struct PressureLine(double Average10, double Average60, double Average300, ulong TotalMicroseconds);

/// <summary>The pressure on one resource.</summary>
/// <param name="Some">At least one task waited.</param>
/// <param name="Full">All tasks waited, so nothing was done; null for CPU on kernels before 5.13.</param>
public sealed record CgroupPressure(PressureLine Some, PressureLine? Full);

/// <summary>A cgroup's reads and writes of one block device.</summary>
public sealed record DeviceIo(uint Major, uint Minor)
{
    /// <summary>Bytes.</summary>
    public ulong Read { get; set; }

    /// <summary>Bytes.</summary>
    public ulong Written { get; set; }

    /// <summary>A count.</summary>
    public ulong Reads { get; set; }

    /// <summary>A count.</summary>
    public ulong Writes { get; set; }
}

/// <summary>A cgroup's threads.</summary>
/// <param name="Current">How many there are.</param>
/// <param name="Limit">How many there may be; null for no limit.</param>
public sealed record CgroupThreads(ulong Current, ulong? Limit);

/// <summary>A cgroup's pages of one size of hugetlbfs.</summary>
/// <param name="PageSize">As "2MB".</param>
/// <param name="Usage">Bytes.</param>
/// <param name="Peak">The highest usage in bytes; 0 where the kernel does not keep it (v2).</param>
public sealed record CgroupHugePages(string PageSize, ulong Usage, ulong Peak);
