using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;

namespace Gantry.NodeTests.Harness;

/// <summary>Looks for what a node must not leave: processes, mounts, addresses, links, cgroups, files of objects.</summary>
internal static partial class Leftovers
{
    /// <summary>Waits a little, since the kernel and monitors take a moment to end, and tells what is left then.</summary>
    public static async Task<IReadOnlyList<string>> AwaitNoneAsync(GantryNode node, TimeSpan? limit = null)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            var left = Find(node);
            if (left.Count == 0 || waited.Elapsed > (limit ?? TimeSpan.FromSeconds(5)))
                return left;
            await Task.Delay(50);
        }
    }

    /// <summary>What is left of a node whose daemon may run, but has no pods.</summary>
    public static IReadOnlyList<string> Find(GantryNode node)
    {
        var left = new List<string>();
        left.AddRange(Processes(node).Select(entry => $"process {entry.Pid}: {entry.Command}"));
        left.AddRange(Mounts(node).Where(mount => !node.Mounts.Contains(mount)).Select(mount => $"mount {mount}"));
        left.AddRange(Children($"{node.Root}/pods").Select(path => $"pod directory {path}"));
        // A disk of its own has a folder of its own, which is nobody's leftover.
        left.AddRange(Children($"{node.Root}/containers").Where(path => Path.GetFileName(path) != "lost+found").Select(path => $"container directory {path}"));
        foreach (var trash in new[] { "trash", "images/trash", "snapshots/trash" })
            left.AddRange(Children($"{node.Root}/{trash}").Select(path => $"trash {path}"));
        left.AddRange(Children($"{node.Root}/images/ingest").Select(path => $"half a download {path}"));
        left.AddRange(Children($"{node.State}/pods").Select(path => $"pod state {path}"));
        left.AddRange(Children($"{node.State}/containers").Select(path => $"container state {path}"));
        left.AddRange(Children($"{node.State}/runtime").SelectMany(Children).Select(path => $"runtime state {path}"));
        left.AddRange(Children($"{node.Directory}/ipam/test{node.Number}").Where(path => IPAddress.TryParse(Path.GetFileName(path), out _)).Select(path => $"address {path}"));
        left.AddRange(Shell.Run("ip", "-n", node.Network.Name, "-o", "link").Split('\n').Where(line => line.Contains($"master gt{node.Number} ", StringComparison.Ordinal)).Select(line => $"link {line}"));
        left.AddRange(Cgroups(node).Select(path => $"cgroup {path}"));
        return left;
    }

    /// <summary>Removes whatever there is of a node, so that no test sees another's.</summary>
    public static void Remove(GantryNode node)
    {
        foreach (var (pid, _) in Processes(node, withDaemon: true))
            Shell.Try("kill", "-KILL", $"{pid}");
        foreach (var cgroup in Cgroups(node))
        {
            foreach (var file in Directory.EnumerateFiles(cgroup, "cgroup.procs", SearchOption.AllDirectories))
            {
                foreach (var pid in ReadLines(file))
                    Shell.Try("kill", "-KILL", pid);
            }
        }
        foreach (var mount in Mounts(node).Concat(node.Mounts).OrderByDescending(mount => mount.Length))
            Shell.Try("umount", "-l", mount);
        foreach (var cgroup in Cgroups(node).Concat(Controllers().Select(controller => controller + node.CgroupParent)).Where(Directory.Exists).ToList())
            Shell.Try("find", cgroup, "-depth", "-type", "d", "-delete");
        foreach (var line in Shell.Run("ip", "-n", node.Network.Name, "-o", "link").Split('\n').Where(line => line.Contains($"master gt{node.Number} ", StringComparison.Ordinal)))
            Shell.Try("ip", "-n", node.Network.Name, "link", "delete", line.Split(' ')[1].Split('@')[0]);
        Shell.Try("ip", "-n", node.Network.Name, "link", "delete", $"gt{node.Number}");
        Shell.Try("rm", "-rf", "--one-file-system", node.Directory);
    }

    /// <summary>Programs that were started with a path of the node's; the daemon itself is not among them while it is asked for.</summary>
    private static IEnumerable<(int Pid, string Command)> Processes(GantryNode node, bool withDaemon = false)
    {
        foreach (var process in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(process), out var pid))
                continue;
            string command;
            try
            {
                command = File.ReadAllText($"{process}/cmdline").Replace('\0', ' ').Trim();
            }
            catch (IOException)
            {
                continue;
            }
            if (command.Contains(node.Directory + "/", StringComparison.Ordinal) && (withDaemon || !(node.IsRunning && pid == node.DaemonPid)))
                yield return (pid, command);
        }
    }

    private static IEnumerable<string> Mounts(GantryNode node) =>
        File.ReadLines("/proc/self/mountinfo").Select(line => line.Split(' ')[4]).Where(mount => mount.StartsWith(node.Directory + "/", StringComparison.Ordinal));

    /// <summary>Cgroups below the one that the test gave, and those of pods that brought none and so got one of gantry's own.</summary>
    private static List<string> Cgroups(GantryNode node)
    {
        var found = new List<string>();
        var own = Own().Matches(node.ReadLog()).Select(match => $"/gantry/pod{match.Groups[1].Value}").Distinct().ToList();
        foreach (var controller in Controllers())
        {
            if (Directory.Exists(controller + node.CgroupParent))
                found.AddRange(Directory.GetDirectories(controller + node.CgroupParent));
            found.AddRange(own.Select(path => controller + path).Where(Directory.Exists));
        }
        return found;
    }

    private static string[] Controllers() => Directory.Exists("/sys/fs/cgroup/cgroup.controllers") ? ["/sys/fs/cgroup"] : Children("/sys/fs/cgroup");

    private static string[] Children(string folder) => Directory.Exists(folder) ? Directory.GetFileSystemEntries(folder) : [];

    private static string[] ReadLines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (IOException)
        {
            return [];
        }
    }

    [GeneratedRegex("Pod ([0-9a-f]{64})")]
    private static partial Regex Own();
}
