using System.Globalization;
using Gantry.Linux;
using Gantry.Linux.Files;
using Gantry.Linux.Processes;

namespace Gantry.Cgroups;

/// <summary>
/// Makes, empties and removes cgroups. Containers' limits are written by the OCI runtime; only pods that bring no cgroup of
/// the kubelet's get one here.
/// </summary>
public sealed class CgroupFolder(CgroupHierarchy hierarchy)
{
    private const int KillRounds = 20;

    /// <summary>Of 2 ms each: on a machine that has too much to do, killed processes take their time to leave.</summary>
    private const int RemoveRounds = 1000;

    public CgroupHierarchy Hierarchy { get; } = hierarchy;

    /// <summary>Makes a pod's own cgroup in every hierarchy.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public void Create(string path)
    {
        foreach (var root in Hierarchy.Roots)
        {
            // A new cpuset cgroup of v1 has no CPUs and takes no process; the OCI runtime fills in the parents' as it goes.
            Directory.CreateDirectory(root + path);
        }
    }

    /// <summary>Kills every process of the cgroup and of those below it.</summary>
    public void KillAll(string path)
    {
        if (Hierarchy.Mode is CgroupMode.V2)
        {
            TryWrite($"{Hierarchy.Roots[0]}{path}/cgroup.kill", "1"u8);
            return;
        }
        // A process that forks meanwhile is caught by the next round.
        for (var round = 0; round < KillRounds; round++)
        {
            var pids = Pids(path);
            if (pids.Count == 0)
                return;
            foreach (var pid in pids)
                Signals.Send(pid, Signals.Kill);
            // A frozen process cannot die.
            if (Hierarchy.Folder("freezer", path) is { } freezer)
                TryWrite($"{freezer}/freezer.state", "THAWED"u8);
            Thread.Yield();
        }
    }

    /// <summary>The cgroups whose last element is that name, wherever they are; slow on a full node, so for leftovers only.</summary>
    public IReadOnlyList<string> Find(string name)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        foreach (var root in Hierarchy.Roots)
            found.UnionWith(Below(root).Where(folder => Path.GetFileName(folder) == name).Select(folder => folder[root.Length..]));
        return [.. found];
    }

    /// <summary>Removes the cgroup and those below it in every hierarchy; one that is not there is fine.</summary>
    /// <exception cref="IOException">A process is still in it.</exception>
    public void Remove(string path)
    {
        foreach (var root in Hierarchy.Roots)
            RemoveTree(root + path);
    }

    private List<int> Pids(string path)
    {
        var pids = new HashSet<int>();
        foreach (var root in Hierarchy.Roots)
            AddPids(root + path, pids);
        return [.. pids];
    }

    private static void AddPids(string folder, HashSet<int> pids)
    {
        foreach (var child in Children(folder))
            AddPids(child, pids);
        try
        {
            foreach (var line in File.ReadLines($"{folder}/cgroup.procs"))
            {
                if (int.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && pid > 0)
                    pids.Add(pid);
            }
        }
        catch (IOException)
        {
            // Removed while it was read.
        }
    }

    /// <summary>The cgroups right below one; none where it is gone, for others remove cgroups meanwhile.</summary>
    private static string[] Children(string folder)
    {
        try
        {
            return Directory.GetDirectories(folder);
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    private static IEnumerable<string> Below(string folder) => Children(folder).SelectMany(child => Below(child).Prepend(child));

    private static void RemoveTree(string folder)
    {
        if (!Directory.Exists(folder))
            return;
        foreach (var child in Children(folder))
            RemoveTree(child);
        for (var round = 1; ; round++)
        {
            try
            {
                // Not recursive: a cgroup's files go with it.
                Directory.Delete(folder, recursive: false);
                return;
            }
            catch (DirectoryNotFoundException)
            {
                return;
            }
            catch (IOException) when (round < RemoveRounds)
            {
                // The kernel empties a cgroup a moment after its last process was reaped.
                WaitBriefly();
            }
        }
    }

    private static void WaitBriefly() => new Linux.Descriptors.Poller().Wait(2);

    private static void TryWrite(string file, ReadOnlySpan<byte> value)
    {
        try
        {
            KernelFile.Write(file, value);
        }
        catch (SyscallException)
        {
            // It is gone, or this kernel has no such file; the rounds of signals and the removal tell the rest.
        }
    }
}
