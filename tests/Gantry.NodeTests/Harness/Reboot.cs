using System.Text.RegularExpressions;

namespace Gantry.NodeTests.Harness;

/// <summary>
/// What a reboot leaves of a node whose daemon is not running: processes, mounts, the state directory, cgroups and links are
/// gone, files below the root stay, and the records are of another boot.
/// </summary>
internal static partial class Reboot
{
    public static void Of(GantryNode node)
    {
        foreach (var directory in Directory.GetDirectories($"{node.State}/containers"))
        {
            if (Processes.TryFindMonitor(node, Path.GetFileName(directory)) is { } monitor)
                Processes.Signal(monitor, "KILL");
        }
        foreach (var controller in Directory.GetDirectories("/sys/fs/cgroup").Where(controller => Directory.Exists(controller + node.CgroupParent)))
            Empty(controller + node.CgroupParent);
        foreach (var mount in File.ReadLines("/proc/self/mountinfo").Select(line => line.Split(' ')[4]).Where(mount => mount.StartsWith(node.State + "/", StringComparison.Ordinal)).OrderByDescending(mount => mount.Length))
            Shell.Run("umount", "-l", mount);
        Shell.Run("rm", "-rf", "--one-file-system", node.State);
        Shell.Try("ip", "-n", node.Network.Name, "link", "delete", $"gt{node.Number}");
        foreach (var record in Directory.GetFiles(node.Root, "state.json", SearchOption.AllDirectories))
            File.WriteAllText(record, BootId().Replace(File.ReadAllText(record), "\"BootId\":\"11111111-2222-3333-4444-555555555555\""));
    }

    private static void Empty(string cgroup)
    {
        foreach (var file in Directory.GetFiles(cgroup, "cgroup.procs", SearchOption.AllDirectories))
        {
            foreach (var pid in File.ReadAllLines(file))
                Shell.Try("kill", "-KILL", pid);
        }
        for (var n = 0; n < 100 && Shell.Try("find", cgroup, "-mindepth", "1", "-depth", "-type", "d", "-delete").Code != 0; n++)
            Thread.Sleep(20);
    }

    [GeneratedRegex("\"BootId\":\"[^\"]*\"")]
    private static partial Regex BootId();
}
