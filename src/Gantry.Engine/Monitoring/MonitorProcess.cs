using System.Globalization;
using System.Text;

namespace Gantry.Monitoring;

/// <summary>Finds monitors by what they were started with: those that no socket leads to, since they hang or are not that far yet.</summary>
internal static class MonitorProcess
{
    private const int LongestCommandLine = 8192;

    /// <summary>The processes whose only argument is that launch request.</summary>
    public static IReadOnlyList<int> Find(string launchFile)
    {
        var argument = Encoding.UTF8.GetBytes($"\0{launchFile}\0");
        var found = new List<int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && CommandLine(folder).EndsWith(argument))
                found.Add(pid);
        }
        return found;
    }

    private static ReadOnlySpan<byte> CommandLine(string folder)
    {
        try
        {
            using var handle = File.OpenHandle($"{folder}/cmdline");
            var buffer = new byte[LongestCommandLine];
            return buffer.AsSpan(0, RandomAccess.Read(handle, buffer, 0));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
