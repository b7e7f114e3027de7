using System.Buffers;
using System.Text;
using Gantry.Linux.Files;

namespace Gantry.Cgroups;

/// <summary>Reads the files of cgroup v1's controllers (Documentation/admin-guide/cgroup-v1).</summary>
internal sealed class CgroupV1Reader(CgroupHierarchy hierarchy) : CgroupReader(hierarchy)
{
    public override ulong? CpuTime(CgroupPlace place) => Number(place.CpuAccount, "cpuacct.usage"u8);

    public override CgroupCpu? Cpu(CgroupPlace place)
    {
        if (Number(place.CpuAccount, "cpuacct.usage_user"u8) is not { } user || Number(place.CpuAccount, "cpuacct.usage_sys"u8) is not { } system)
            return null;
        Span<byte> buffer = stackalloc byte[1024];
        var length = place.Cpu is null ? 0 : Math.Max(0, KernelFile.TryRead(place.Cpu, "cpu.stat"u8, buffer));
        var stat = buffer[..length];
        return new CgroupCpu(
            user, system, KernelText.ValueOf(stat, "nr_periods"u8), KernelText.ValueOf(stat, "nr_throttled"u8), KernelText.ValueOf(stat, "throttled_time"u8));
    }

    public override CgroupMemory? Memory(CgroupPlace place)
    {
        if (Number(place.Memory, "memory.usage_in_bytes"u8) is not { } usage || ReadStat(place) is not { } stat)
            return null;
        var limit = Limit(place.Memory, "memory.limit_in_bytes"u8);
        // The limit of memory and swap together.
        var both = stat.Swap is null ? null : Limit(place.Memory, "memory.memsw.limit_in_bytes"u8);
        return new CgroupMemory
        {
            Usage = usage,
            Limit = limit,
            Rss = stat.Rss,
            Cache = stat.Cache,
            MappedFile = stat.MappedFile,
            ActiveFile = stat.ActiveFile,
            InactiveFile = stat.InactiveFile,
            PageFaults = stat.PageFaults,
            MajorPageFaults = stat.MajorPageFaults,
            Swap = stat.Swap,
            SwapLimit = both is { } total ? total - Math.Min(total, limit ?? 0) : null,
        };
    }

    public override CgroupMemoryDetail? MemoryDetail(CgroupPlace place)
    {
        if (ReadStat(place) is not { } stat)
            return null;
        Span<byte> buffer = stackalloc byte[256];
        var length = Math.Max(0, KernelFile.TryRead(place.Memory!, "memory.oom_control"u8, buffer));
        return new CgroupMemoryDetail(
            Number(place.Memory, "memory.max_usage_in_bytes"u8) ?? 0, Number(place.Memory, "memory.kmem.usage_in_bytes"u8) ?? 0,
            Number(place.Memory, "memory.failcnt"u8) ?? 0, KernelText.ValueOf(buffer[..length], "oom_kill"u8), stat.OwnPageFaults, stat.OwnMajorPageFaults);
    }

    public override CgroupPressure? Pressure(CgroupPlace place, string resource) => null;

    public override IReadOnlyList<DeviceIo> BlockIo(CgroupPlace place)
    {
        if (place.BlockIo is null)
            return [];
        var devices = new List<DeviceIo>();
        var buffer = ArrayPool<byte>.Shared.Rent(DevicesSize);
        var length = KernelFile.TryRead(place.BlockIo, "blkio.throttle.io_service_bytes_recursive"u8, buffer);
        AddBlockIo(devices, buffer.AsSpan(0, Math.Max(0, length)), static (device, value) => device.Read = value, static (device, value) => device.Written = value);
        length = KernelFile.TryRead(place.BlockIo, "blkio.throttle.io_serviced_recursive"u8, buffer);
        AddBlockIo(devices, buffer.AsSpan(0, Math.Max(0, length)), static (device, value) => device.Reads = value, static (device, value) => device.Writes = value);
        ArrayPool<byte>.Shared.Return(buffer);
        return devices;
    }

    public override CgroupThreads? Threads(CgroupPlace place) => Threads(place, "tasks"u8);

    public override IReadOnlyList<CgroupHugePages> HugePages(CgroupPlace place)
    {
        var found = new List<CgroupHugePages>();
        foreach (var size in PageSizes)
        {
            if (Number(place.HugePages, Encoding.ASCII.GetBytes($"hugetlb.{size}.usage_in_bytes")) is { } usage)
                found.Add(new CgroupHugePages(size, usage, Number(place.HugePages, Encoding.ASCII.GetBytes($"hugetlb.{size}.max_usage_in_bytes")) ?? 0));
        }
        return found;
    }

    /// <summary>Lines as "8:0 Read 4096"; "Total 4096" and other operations are left out.</summary>
    internal static void AddBlockIo(List<DeviceIo> devices, ReadOnlySpan<byte> text, Action<DeviceIo, ulong> read, Action<DeviceIo, ulong> written)
    {
        while (KernelText.TryTakeLine(ref text, out var line))
        {
            if (!KernelText.TryTakeWord(ref line, out var name) || !KernelText.TryKeyed(line, out var operation, out var value))
                continue;
            if (operation.SequenceEqual("Read"u8) && DeviceList.Find(devices, name) is { } from)
                read(from, value);
            else if (operation.SequenceEqual("Write"u8) && DeviceList.Find(devices, name) is { } to)
                written(to, value);
        }
    }

    private protected override MemoryStat ParseStat(ReadOnlySpan<byte> text) => MemoryStat.ParseV1(text);
}
