using System.Globalization;

namespace Gantry.NodeBench;

/// <summary>What a peer's daemon and its helpers (monitors, shims, pause processes) weigh.</summary>
public static class Memory
{
    private static readonly string[] _helpers = ["gantry-monitor", "containerd-shim", "conmon", "pause", "catatonit"];

    public static void Print(Peer peer, string when)
    {
        if (peer.Pid == 0)
            return;
        var daemon = Read(peer.Pid);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{peer.Name,-12} {when,-32} daemon: RSS {daemon.Rss / 1024.0:0.0} MiB, anonymous {daemon.Private / 1024.0:0.0} MiB"));
        foreach (var group in Below(peer.Pid).GroupBy(process => process.Name))
        {
            var all = group.Select(process => Read(process.Pid)).ToList();
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{"",-12} {all.Count} x {group.Key}: PSS {all.Average(one => one.Pss):0} KiB, private dirty {all.Average(one => one.Private):0} KiB each"));
        }
    }

    private static (long Rss, long Pss, long Private) Read(int pid)
    {
        try
        {
            var lines = File.ReadAllLines($"/proc/{pid}/smaps_rollup");
            long Field(string name) => long.Parse(lines.First(line => line.StartsWith(name, StringComparison.Ordinal)).Split(':')[1].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture);
            return (Field("Rss:"), Field("Pss:"), Field("Private_Dirty:"));
        }
        catch (IOException)
        {
            return default;
        }
    }

    /// <summary>The helper processes of this machine that are the daemon's: below it, or with its directories in their arguments.</summary>
    private static IEnumerable<(int Pid, string Name)> Below(int daemon)
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), out var pid))
                continue;
            string name;
            try
            {
                name = File.ReadAllText($"{folder}/cmdline").Split('\0')[0];
            }
            catch (IOException)
            {
                continue;
            }
            name = Path.GetFileName(name);
            if (Array.Exists(_helpers, helper => name.StartsWith(helper, StringComparison.Ordinal)) && SharesNetwork(pid, daemon, name))
                yield return (pid, name);
        }
    }

    private static bool SharesNetwork(int pid, int daemon, string name) =>
        name is "pause" or "catatonit" || new FileInfo($"/proc/{pid}/ns/mnt").LinkTarget == new FileInfo($"/proc/{daemon}/ns/mnt").LinkTarget;
}
