using System.Buffers;
using Gantry.Linux.Files;

namespace Gantry.Cgroups;

/// <summary>The processes of a cgroup and of those below it: a container may have made some of its own.</summary>
public static class CgroupProcesses
{
    /// <summary>A container can make as many cgroups as it likes; it can't make us look at all of them.</summary>
    private const int MostFolders = 1000;

    private const int ListSize = 64 * 1024;

    /// <summary>How many there are; null where the cgroup is gone.</summary>
    /// <param name="folder">The directory of the cgroup in one hierarchy.</param>
    public static ulong? Count(string folder)
    {
        var count = KernelFile.TryCountLines(folder, "cgroup.procs"u8);
        if (count < 0)
            return null;
        foreach (var child in Below(folder))
            count += Math.Max(0, KernelFile.TryCountLines(child, "cgroup.procs"u8));
        return (ulong)count;
    }

    /// <summary>Their pids; of a cgroup with very many those of the first some thousand.</summary>
    /// <param name="folder">The directory of the cgroup in one hierarchy.</param>
    public static IReadOnlyList<int> List(string folder)
    {
        var pids = new List<int>();
        AddPids(folder, pids);
        foreach (var child in Below(folder))
            AddPids(child, pids);
        return pids;
    }

    private static IReadOnlyList<string> Below(string folder)
    {
        if (!HasChildren(folder))
            return [];
        var found = new List<string>();
        AddChildren(folder, found);
        for (var at = 0; at < found.Count && found.Count < MostFolders; at++)
        {
            if (HasChildren(found[at]))
                AddChildren(found[at], found);
        }
        return found;
    }

    /// <summary>A directory of cgroupfs has two links, and one more for each child.</summary>
    private static bool HasChildren(string folder) => FileStatus.TryGet(folder) is { Links: > 2 };

    private static void AddChildren(string folder, List<string> found)
    {
        try
        {
            found.AddRange(Directory.GetDirectories(folder));
        }
        catch (IOException)
        {
            // Removed meanwhile.
        }
    }

    private static void AddPids(string folder, List<int> pids)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(ListSize);
        ReadOnlySpan<byte> text = buffer.AsSpan(0, Math.Max(0, KernelFile.TryRead(folder, "cgroup.procs"u8, buffer)));
        while (KernelText.TryTakeLine(ref text, out var line))
        {
            if (KernelText.TryNumber(line, out var pid) && pid is > 0 and <= int.MaxValue)
                pids.Add((int)pid);
        }
        ArrayPool<byte>.Shared.Return(buffer);
    }
}
