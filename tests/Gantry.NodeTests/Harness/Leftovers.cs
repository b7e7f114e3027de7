using System.Net;

namespace Gantry.NodeTests.Harness;

/// <summary>Looks for what a node must not leave: processes, mounts, addresses, links, cgroups, files of objects.</summary>
internal static class Leftovers
{
    public static IReadOnlyList<string> Find(GantryNode node, NodeNetwork network)
    {
        var left = new List<string>();
        left.AddRange(Processes(node.Directory).Select(line => $"process {line}"));
        left.AddRange(File.ReadLines("/proc/self/mountinfo").Where(line => line.Contains(node.Directory + "/", StringComparison.Ordinal)).Select(line => $"mount {line}"));
        left.AddRange(Children($"{node.Directory}/root/pods").Select(path => $"pod directory {path}"));
        left.AddRange(Children($"{node.Directory}/root/containers").Select(path => $"container directory {path}"));
        left.AddRange(Children($"{node.Directory}/root/trash").Select(path => $"trash {path}"));
        left.AddRange(Children($"{node.Directory}/state/pods").Select(path => $"pod state {path}"));
        left.AddRange(Children($"{node.Directory}/state/containers").Select(path => $"container state {path}"));
        left.AddRange(Children($"{node.Directory}/ipam/test{node.Number}").Where(path => IPAddress.TryParse(Path.GetFileName(path), out _)).Select(path => $"address {path}"));
        left.AddRange(Shell.Run("ip", "-n", network.Name, "-o", "link").Split('\n').Where(line => line.Contains($"master gt{node.Number}", StringComparison.Ordinal)).Select(line => $"link {line}"));
        left.AddRange(Cgroups(node.CgroupParent.TrimStart('/')).Select(path => $"cgroup {path}"));
        return left;
    }

    private static IEnumerable<string> Processes(string directory)
    {
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(path => int.TryParse(Path.GetFileName(path), out _)))
        {
            string command;
            try
            {
                command = File.ReadAllText($"{process}/cmdline").Replace('\0', ' ');
            }
            catch (IOException)
            {
                continue;
            }
            if (command.Contains(directory + "/", StringComparison.Ordinal))
                yield return $"{Path.GetFileName(process)}: {command}";
        }
    }

    /// <summary>Containers' cgroups; the empty parent itself is the caller's, as it is the kubelet's.</summary>
    private static IEnumerable<string> Cgroups(string parent)
    {
        foreach (var controller in Children("/sys/fs/cgroup"))
        {
            var folder = Path.Combine(controller, parent);
            if (!Directory.Exists(folder))
                continue;
            foreach (var child in Directory.GetDirectories(folder))
                yield return child;
            Directory.Delete(folder);
        }
    }

    private static string[] Children(string folder) => Directory.Exists(folder) ? Directory.GetFileSystemEntries(folder) : [];
}
