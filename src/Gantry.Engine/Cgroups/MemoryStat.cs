namespace Gantry.Cgroups;

/// <summary>The lines of memory.stat that anyone asks for.</summary>
internal struct MemoryStat
{
    public ulong Rss;
    public ulong Cache;
    public ulong MappedFile;
    public ulong ActiveFile;
    public ulong InactiveFile;
    public ulong PageFaults;
    public ulong MajorPageFaults;
    public ulong OwnPageFaults;
    public ulong OwnMajorPageFaults;
    public ulong Kernel;

    /// <summary>Null where swap is not accounted for; v2 tells of it elsewhere.</summary>
    public ulong? Swap;

    /// <summary>
    /// v1: the values that count the cgroups below are named "total_*" (Documentation/admin-guide/cgroup-v1/memory.rst, 5.2).
    /// </summary>
    public static MemoryStat ParseV1(ReadOnlySpan<byte> text)
    {
        var stat = default(MemoryStat);
        while (KernelText.TryTakeLine(ref text, out var line))
        {
            if (!KernelText.TryKeyed(line, out var key, out var value))
                continue;
            if (key.StartsWith("total_"u8))
                stat.TakeTotal(key["total_".Length..], value);
            else if (key.SequenceEqual("pgfault"u8))
                stat.OwnPageFaults = value;
            else if (key.SequenceEqual("pgmajfault"u8))
                stat.OwnMajorPageFaults = value;
        }
        return stat;
    }

    /// <summary>v2: everything counts the cgroups below too.</summary>
    public static MemoryStat ParseV2(ReadOnlySpan<byte> text)
    {
        var stat = default(MemoryStat);
        ulong kernelParts = 0;
        while (KernelText.TryTakeLine(ref text, out var line))
        {
            if (!KernelText.TryKeyed(line, out var key, out var value))
                continue;
            if (key.SequenceEqual("anon"u8))
                stat.Rss = value;
            else if (key.SequenceEqual("file"u8))
                stat.Cache = value;
            else if (key.SequenceEqual("file_mapped"u8))
                stat.MappedFile = value;
            else if (key.SequenceEqual("kernel"u8))
                stat.Kernel = value;
            else if (key.SequenceEqual("kernel_stack"u8) || key.SequenceEqual("pagetables"u8) || key.SequenceEqual("percpu"u8) || key.SequenceEqual("slab"u8))
                kernelParts += value;
            else
                stat.TakeShared(key, value);
        }
        // "kernel" is there since 5.18; before, its parts are.
        if (stat.Kernel == 0)
            stat.Kernel = kernelParts;
        stat.OwnPageFaults = stat.PageFaults;
        stat.OwnMajorPageFaults = stat.MajorPageFaults;
        return stat;
    }

    private void TakeTotal(ReadOnlySpan<byte> key, ulong value)
    {
        if (key.SequenceEqual("rss"u8))
            Rss = value;
        else if (key.SequenceEqual("cache"u8))
            Cache = value;
        else if (key.SequenceEqual("mapped_file"u8))
            MappedFile = value;
        else if (key.SequenceEqual("swap"u8))
            Swap = value;
        else
            TakeShared(key, value);
    }

    private void TakeShared(ReadOnlySpan<byte> key, ulong value)
    {
        if (key.SequenceEqual("inactive_file"u8))
            InactiveFile = value;
        else if (key.SequenceEqual("active_file"u8))
            ActiveFile = value;
        else if (key.SequenceEqual("pgfault"u8))
            PageFaults = value;
        else if (key.SequenceEqual("pgmajfault"u8))
            MajorPageFaults = value;
    }
}
