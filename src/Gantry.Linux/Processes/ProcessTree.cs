using System.Globalization;

namespace Gantry.Linux.Processes;

/// <summary>A process and everything that it started.</summary>
public static class ProcessTree
{
    private const int Stop = 19;
    private const int MostRounds = 20;

    /// <summary>
    /// Kills a process with its descendants. They are stopped first, from the root down, so that none can start another
    /// one meanwhile; a descendant whose parent had ended before is another process's child by now, and is not found.
    /// </summary>
    public static void Kill(int root)
    {
        var found = new HashSet<int> { root };
        Signals.Send(root, Stop);
        for (var round = 0; round < MostRounds && AddChildren(found); round++)
        {
        }
        foreach (var pid in found)
            Signals.Send(pid, Signals.Kill);
    }

    /// <summary>A process's state as proc(5) letters it, 'Z' for one that has ended and is not reaped; null where there is none.</summary>
    public static char? StateOf(int pid) => Fields($"/proc/{pid.ToString(CultureInfo.InvariantCulture)}") is [[var state], ..] ? state : null;

    /// <summary>Stops and adds what the found processes have started; false where that is nothing new.</summary>
    private static bool AddChildren(HashSet<int> found)
    {
        var before = found.Count;
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) || found.Contains(pid))
                continue;
            if (found.Contains(ParentOf(folder)))
            {
                found.Add(pid);
                Signals.Send(pid, Stop);
            }
        }
        return found.Count > before;
    }

    private static int ParentOf(string folder) =>
        Fields(folder) is [_, var text, ..] && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var parent) ? parent : 0;

    /// <summary>State, parent and what follows in stat (proc(5)), behind a name that may hold anything; empty where the process is gone.</summary>
    private static string[] Fields(string folder)
    {
        try
        {
            var stat = File.ReadAllText($"{folder}/stat");
            return stat[(stat.LastIndexOf(')') + 1)..].Split(' ', 4, StringSplitOptions.RemoveEmptyEntries);
        }
        catch (IOException)
        {
            return [];
        }
    }
}
