namespace Gantry.NodeTests.Harness;

/// <summary>Looks at the processes of this machine.</summary>
internal static class Processes
{
    /// <summary>The monitor of a container.</summary>
    public static int MonitorOf(GantryNode node, string container) =>
        TryFindMonitor(node, container) ?? throw new InvalidOperationException($"container {container} has no monitor");

    public static int? TryFindMonitor(GantryNode node, string container)
    {
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(path => int.TryParse(Path.GetFileName(path), out _)))
        {
            try
            {
                var command = File.ReadAllText($"{process}/cmdline").Split('\0');
                if (command.Length > 1 && Path.GetFileName(command[0]) == "gantry-monitor" && command[1].StartsWith($"{node.State}/containers/{container}/", StringComparison.Ordinal))
                    return int.Parse(Path.GetFileName(process));
            }
            catch (IOException)
            {
                // It has ended meanwhile.
            }
        }
        return null;
    }

    public static bool IsAlive(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[(stat.LastIndexOf(')') + 2)] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }

    public static void Signal(int pid, string signal) => Shell.Run("kill", $"-{signal}", $"{pid}");

    /// <summary>A container's process, as the runtime's verbose status tells it.</summary>
    public static async Task<int> PidOfAsync(GantryNode node, string container)
    {
        var answer = await node.Runtime.ContainerStatusAsync(new Gantry.Cri.Api.ContainerStatusRequest { ContainerId = container, Verbose = true });
        return (int)System.Text.Json.Nodes.JsonNode.Parse(answer.Info["info"])!["pid"]!;
    }
}
