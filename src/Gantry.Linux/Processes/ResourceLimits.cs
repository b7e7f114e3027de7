using System.Globalization;
using System.Text;
using Gantry.Linux.Files;

namespace Gantry.Linux.Processes;

/// <summary>The limits of another process (/proc/PID/limits, proc(5)).</summary>
public static class ResourceLimits
{
    /// <summary>How many descriptors the process may have open; null where there is no such process, or no limit.</summary>
    public static ulong? OpenFiles(int pid)
    {
        Span<byte> buffer = stackalloc byte[4096];
        var length = KernelFile.TryRead(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}"), "limits"u8, buffer);
        return length > 0 ? ParseOpenFiles(Encoding.ASCII.GetString(buffer[..length])) : null;
    }

    /// <summary>The soft limit in a line such as "Max open files            1024                 4096                 files".</summary>
    public static ulong? ParseOpenFiles(string text)
    {
        const string Name = "Max open files";
        var line = text.Split('\n').FirstOrDefault(line => line.StartsWith(Name, StringComparison.Ordinal));
        var words = line?[Name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words is [var soft, ..] && ulong.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) ? limit : null;
    }
}
