using System.Buffers;
using System.Text;
using Gantry.Linux.Files;

namespace Gantry.Cgroups;

/// <summary>Reads the files of cgroup v2 (Documentation/admin-guide/cgroup-v2.rst).</summary>
internal sealed class CgroupV2Reader(CgroupHierarchy hierarchy) : CgroupReader(hierarchy)
{
    public override ulong? CpuTime(CgroupPlace place)
    {
        Span<byte> buffer = stackalloc byte[1024];
        // Its first line, and there without the cpu controller too.
        return ReadCpuStat(place, buffer) is > 0 and var length ? KernelText.ValueOf(buffer[..length], "usage_usec"u8) * 1000 : null;
    }

    public override CgroupCpu? Cpu(CgroupPlace place)
    {
        Span<byte> buffer = stackalloc byte[1024];
        return ReadCpuStat(place, buffer) is > 0 and var length ? ParseCpu(buffer[..length]) : null;
    }

    public override CgroupMemory? Memory(CgroupPlace place)
    {
        if (Number(place.Memory, "memory.current"u8) is not { } usage || ReadStat(place) is not { } stat)
            return null;
        var swap = Number(place.Memory, "memory.swap.current"u8);
        return new CgroupMemory
        {
            Usage = usage,
            Limit = Limit(place.Memory, "memory.max"u8),
            Rss = stat.Rss,
            Cache = stat.Cache,
            MappedFile = stat.MappedFile,
            ActiveFile = stat.ActiveFile,
            InactiveFile = stat.InactiveFile,
            PageFaults = stat.PageFaults,
            MajorPageFaults = stat.MajorPageFaults,
            Swap = swap,
            SwapLimit = swap is null ? null : Limit(place.Memory, "memory.swap.max"u8),
        };
    }

    public override CgroupMemoryDetail? MemoryDetail(CgroupPlace place)
    {
        if (ReadStat(place) is not { } stat)
            return null;
        Span<byte> buffer = stackalloc byte[512];
        var length = Math.Max(0, KernelFile.TryRead(place.Memory!, "memory.events"u8, buffer));
        var events = buffer[..length];
        // memory.peak is there since 5.19.
        return new CgroupMemoryDetail(
            Number(place.Memory, "memory.peak"u8) ?? 0, stat.Kernel, KernelText.ValueOf(events, "max"u8), KernelText.ValueOf(events, "oom_kill"u8),
            stat.OwnPageFaults, stat.OwnMajorPageFaults);
    }

    public override CgroupPressure? Pressure(CgroupPlace place, string resource)
    {
        var file = resource switch
        {
            "cpu" => "cpu.pressure"u8,
            "memory" => "memory.pressure"u8,
            "io" => "io.pressure"u8,
            _ => throw new ArgumentOutOfRangeException(nameof(resource)),
        };
        Span<byte> buffer = stackalloc byte[512];
        // Where pressure is switched off (psi=0, cgroup.pressure) the file is not there, or can't be read.
        return place.Cpu is not null && KernelFile.TryRead(place.Cpu, file, buffer) is > 0 and var length ? KernelText.Pressure(buffer[..length]) : null;
    }

    public override IReadOnlyList<DeviceIo> BlockIo(CgroupPlace place)
    {
        if (place.BlockIo is null)
            return [];
        var buffer = ArrayPool<byte>.Shared.Rent(DevicesSize);
        var length = KernelFile.TryRead(place.BlockIo, "io.stat"u8, buffer);
        var devices = ParseIo(buffer.AsSpan(0, Math.Max(0, length)));
        ArrayPool<byte>.Shared.Return(buffer);
        return devices;
    }

    public override CgroupThreads? Threads(CgroupPlace place) => Threads(place, "cgroup.threads"u8);

    public override IReadOnlyList<CgroupHugePages> HugePages(CgroupPlace place)
    {
        var found = new List<CgroupHugePages>();
        foreach (var size in PageSizes)
        {
            if (Number(place.HugePages, Encoding.ASCII.GetBytes($"hugetlb.{size}.current")) is { } usage)
                found.Add(new CgroupHugePages(size, usage, 0));
        }
        return found;
    }

    internal static CgroupCpu ParseCpu(ReadOnlySpan<byte> text) => new(
        KernelText.ValueOf(text, "user_usec"u8) * 1000, KernelText.ValueOf(text, "system_usec"u8) * 1000, KernelText.ValueOf(text, "nr_periods"u8),
        KernelText.ValueOf(text, "nr_throttled"u8), KernelText.ValueOf(text, "throttled_usec"u8) * 1000);

    /// <summary>Lines as "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6".</summary>
    internal static List<DeviceIo> ParseIo(ReadOnlySpan<byte> text)
    {
        var devices = new List<DeviceIo>();
        while (KernelText.TryTakeLine(ref text, out var line))
        {
            if (!KernelText.TryTakeWord(ref line, out var name) || line.IsEmpty || DeviceList.Find(devices, name) is not { } device)
                continue;
            while (KernelText.TryTakeWord(ref line, out var word))
            {
                if (!KernelText.TryNamed(word, out var key, out var number) || !KernelText.TryNumber(number, out var value))
                    continue;
                if (key.SequenceEqual("rbytes"u8))
                    device.Read = value;
                else if (key.SequenceEqual("wbytes"u8))
                    device.Written = value;
                else if (key.SequenceEqual("rios"u8))
                    device.Reads = value;
                else if (key.SequenceEqual("wios"u8))
                    device.Writes = value;
            }
        }
        return devices;
    }

    private static int ReadCpuStat(CgroupPlace place, Span<byte> buffer) => place.Cpu is null ? -1 : KernelFile.TryRead(place.Cpu, "cpu.stat"u8, buffer);

    private protected override MemoryStat ParseStat(ReadOnlySpan<byte> text) => MemoryStat.ParseV2(text);
}
