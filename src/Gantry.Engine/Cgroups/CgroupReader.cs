using Gantry.Linux.Files;

namespace Gantry.Cgroups;

/// <summary>
/// Reads what cgroups have used. Each value is read from the kernel when it is asked for, each file once, and an answer of
/// null means that the cgroup is gone, or that this node does not keep that value.
/// </summary>
public abstract class CgroupReader(CgroupHierarchy hierarchy)
{
    /// <summary>Room for one number.</summary>
    private protected const int NumberSize = 64;

    /// <summary>Room for memory.stat with a few dozen lines more than Linux 6.18 has.</summary>
    private const int StatSize = 8192;

    /// <summary>Room for the lines of some hundred devices.</summary>
    private protected const int DevicesSize = 32 * 1024;

    private const string HugePageFolder = "/sys/kernel/mm/hugepages";

    /// <summary>The page sizes of this machine's hugetlbfs, as cgroup files name them: "2MB", "1GB".</summary>
    private protected IReadOnlyList<string> PageSizes { get; } = FindPageSizes();

    /// <summary>The reader for this node's hierarchy.</summary>
    public static CgroupReader For(CgroupHierarchy hierarchy) =>
        hierarchy.Mode is CgroupMode.V2 ? new CgroupV2Reader(hierarchy) : new CgroupV1Reader(hierarchy);

    /// <summary>Where a cgroup's files are; worth keeping while the cgroup is of interest.</summary>
    public CgroupPlace Locate(string path) => CgroupPlace.Of(hierarchy, path);

    /// <summary>All CPU time, in nanoseconds.</summary>
    public abstract ulong? CpuTime(CgroupPlace place);

    /// <summary>The parts of the CPU time, and throttling.</summary>
    public abstract CgroupCpu? Cpu(CgroupPlace place);

    public abstract CgroupMemory? Memory(CgroupPlace place);

    public abstract CgroupMemoryDetail? MemoryDetail(CgroupPlace place);

    /// <summary>Null with v1, which has no pressure of cgroups: /proc/pressure is the whole machine's.</summary>
    /// <param name="place">The cgroup.</param>
    /// <param name="resource">"cpu", "memory" or "io".</param>
    public abstract CgroupPressure? Pressure(CgroupPlace place, string resource);

    /// <summary>The devices that were read from or written to; none where block I/O is not accounted for.</summary>
    public abstract IReadOnlyList<DeviceIo> BlockIo(CgroupPlace place);

    public abstract CgroupThreads? Threads(CgroupPlace place);

    /// <summary>The use of huge pages, one for each size of this machine.</summary>
    public abstract IReadOnlyList<CgroupHugePages> HugePages(CgroupPlace place);

    private protected static ulong? Number(string? folder, ReadOnlySpan<byte> file)
    {
        Span<byte> buffer = stackalloc byte[NumberSize];
        return folder is not null && KernelFile.TryRead(folder, file, buffer) is > 0 and var length && KernelText.TryNumber(buffer[..length], out var value)
            ? value
            : null;
    }

    /// <summary>A limit: null for none, or where there is no such file.</summary>
    private protected static ulong? Limit(string? folder, ReadOnlySpan<byte> file)
    {
        Span<byte> buffer = stackalloc byte[NumberSize];
        return folder is not null && KernelFile.TryRead(folder, file, buffer) is > 0 and var length ? KernelText.Limit(buffer[..length]) : null;
    }

    private protected abstract MemoryStat ParseStat(ReadOnlySpan<byte> text);

    private protected MemoryStat? ReadStat(CgroupPlace place)
    {
        Span<byte> buffer = stackalloc byte[StatSize];
        return place.Memory is not null && KernelFile.TryRead(place.Memory, "memory.stat"u8, buffer) is > 0 and var length ? ParseStat(buffer[..length]) : null;
    }

    /// <summary>Threads by the pids controller, or counted where this node lacks it.</summary>
    private protected static CgroupThreads? Threads(CgroupPlace place, ReadOnlySpan<byte> threadsFile)
    {
        if (Number(place.Tasks, "pids.current"u8) is { } current)
            return new CgroupThreads(current, Limit(place.Tasks, "pids.max"u8));
        return place.Processes is { } folder && KernelFile.TryCountLines(folder, threadsFile) is >= 0 and var counted ? new CgroupThreads((ulong)counted, null) : null;
    }

    private static List<string> FindPageSizes()
    {
        var sizes = new List<string>();
        foreach (var folder in Directory.Exists(HugePageFolder) ? Directory.GetDirectories(HugePageFolder) : [])
        {
            // "hugepages-2048kB"
            var name = Path.GetFileName(folder);
            if (!name.StartsWith("hugepages-", StringComparison.Ordinal) || !ulong.TryParse(name.AsSpan(10, name.Length - 12), out var kib))
                continue;
            sizes.Add(kib >= 1 << 20 ? $"{kib >> 20}GB" : kib >= 1 << 10 ? $"{kib >> 10}MB" : $"{kib}KB");
        }
        return sizes;
    }
}
