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

    /// <summary>The fourth field of stat (proc(5)), behind a name that may hold anything.</summary>
    private static int ParentOf(string folder)
    {
        try
        {
            var stat = File.ReadAllText($"{folder}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', 4, StringSplitOptions.RemoveEmptyEntries);
            return fields.Length > 1 && int.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out var parent) ? parent : 0;
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
