using System.Globalization;

namespace Gantry.Linux.Processes;

/// <summary>Reads proc_pid_smaps(5).</summary>
public static class ProgramMappings
{
    private const string Own = "Anonymous:";

    /// <summary>
    /// The mappings of a file that cannot be written to and of which the process has no copy of its own: their pages can be
    /// dropped, since they are in the file. What the dynamic linker has changed and then closed for writing is not among them.
    /// </summary>
    public static IEnumerable<(ulong Start, ulong Length)> Clean(IEnumerable<string> smaps, string path)
    {
        (ulong Start, ulong Length)? mapping = null;
        foreach (var line in smaps)
        {
            if (line.StartsWith(Own, StringComparison.Ordinal))
            {
                if (mapping is { } clean && line.AsSpan(Own.Length).Trim().SequenceEqual("0 kB"))
                    yield return clean;
                mapping = null;
            }
            else if (line.Contains('-', StringComparison.Ordinal) && Header(line, path) is { } header)
            {
                mapping = header;
            }
        }
    }

    /// <summary>"55cc-55dd r-xp 0002b000 fe:00 531 /usr/bin/gantryd": a path may have spaces.</summary>
    private static (ulong Start, ulong Length)? Header(string line, string path)
    {
        var parts = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length < 6 || parts[5] != path || parts[1].Contains('w', StringComparison.Ordinal))
            return null;
        var ends = parts[0].Split('-');
        return ulong.TryParse(ends[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var start)
            && ulong.TryParse(ends[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var end)
            ? (start, end - start)
            : null;
    }
}
