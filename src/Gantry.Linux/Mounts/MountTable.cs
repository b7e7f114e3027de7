using System.Globalization;
using System.Text;

namespace Gantry.Linux.Mounts;

/// <summary>A mount, as a line of /proc/self/mountinfo tells of it (proc(5)).</summary>
/// <param name="Id">The mount's number, unique while it lives.</param>
/// <param name="ParentId">The mount that it lies on.</param>
/// <param name="Device">"major:minor" of its files.</param>
/// <param name="Root">The directory of its file system that shows at the mount point.</param>
/// <param name="MountPoint">Where it lies, in this process's view.</param>
/// <param name="Options">Its own options, as "rw,nosuid".</param>
/// <param name="Propagation">As "shared:3" or "master:3"; empty for a private one.</param>
/// <param name="FileSystemType">As "ext4".</param>
/// <param name="Source">The device, or what stands for one.</param>
/// <param name="SuperOptions">The file system's options.</param>
public sealed record MountEntry(
    int Id, int ParentId, string Device, string Root, string MountPoint, string Options, string Propagation,
    string FileSystemType, string Source, string SuperOptions)
{
    /// <summary>Whether what is mounted on it, or unmounted, is so on its peers too, and the other way.</summary>
    public bool IsShared => Propagation.Contains("shared:", StringComparison.Ordinal);

    /// <summary>Whether what is mounted on its master, or unmounted, is so on it too.</summary>
    public bool IsSlave => Propagation.Contains("master:", StringComparison.Ordinal);
}

/// <summary>Reads the mounts of this process's namespace.</summary>
public static class MountTable
{
    /// <summary>All mounts, in the order of mounting: a later one at the same mount point hides the earlier one.</summary>
    public static IReadOnlyList<MountEntry> Read() => Parse(File.ReadAllText("/proc/self/mountinfo"));

    /// <summary>The mounts at and below <paramref name="path"/>, deepest and latest first: the order in which to unmount.</summary>
    public static IReadOnlyList<MountEntry> Below(string path)
    {
        var prefix = path.TrimEnd('/');
        return [.. Read()
            .Where(m => m.MountPoint == prefix || m.MountPoint.StartsWith(prefix + "/", StringComparison.Ordinal))
            .Reverse()
            .OrderByDescending(m => m.MountPoint.Length)];
    }

    /// <summary>The mount that holds <paramref name="path"/>, which need not exist: the one with the longest mount point above it.</summary>
    public static MountEntry? Holding(string path) => Holding(Read(), path);

    /// <inheritdoc cref="Holding(string)"/>
    /// <param name="mounts">As <see cref="Read"/> gave them.</param>
    /// <param name="path">Absolute.</param>
    public static MountEntry? Holding(IReadOnlyList<MountEntry> mounts, string path)
    {
        MountEntry? best = null;
        foreach (var mount in mounts)
        {
            var prefix = mount.MountPoint == "/" ? "/" : mount.MountPoint + "/";
            var holds = path == mount.MountPoint || path.StartsWith(prefix, StringComparison.Ordinal);
            if (holds && (best is null || mount.MountPoint.Length >= best.MountPoint.Length))
                best = mount;
        }
        return best;
    }

    internal static IReadOnlyList<MountEntry> Parse(string text)
    {
        var mounts = new List<MountEntry>();
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var fields = line.Split(' ');
            var separator = Array.IndexOf(fields, "-", Math.Min(6, fields.Length));
            // A line in a form that we don't know must not blind us to all the others.
            if (separator < 6 || fields.Length < separator + 3)
                continue;
            mounts.Add(new MountEntry(
                int.Parse(fields[0], CultureInfo.InvariantCulture), int.Parse(fields[1], CultureInfo.InvariantCulture), fields[2],
                Unescape(fields[3]), Unescape(fields[4]), fields[5], string.Join(' ', fields[6..separator]),
                fields[separator + 1], Unescape(fields[separator + 2]), fields.Length > separator + 3 ? fields[separator + 3] : ""));
        }
        return mounts;
    }

    /// <summary>The kernel writes space, tab, newline and backslash as three octal digits.</summary>
    private static string Unescape(string field)
    {
        if (!field.Contains('\\'))
            return field;
        var plain = new StringBuilder(field.Length);
        for (var i = 0; i < field.Length; i++)
        {
            if (field[i] == '\\' && i + 3 < field.Length && IsOctal(field.AsSpan(i + 1, 3)))
            {
                plain.Append((char)(((field[i + 1] - '0') << 6) | ((field[i + 2] - '0') << 3) | (field[i + 3] - '0')));
                i += 3;
            }
            else
            {
                plain.Append(field[i]);
            }
        }
        return plain.ToString();
    }

    private static bool IsOctal(ReadOnlySpan<char> digits) => !digits.ContainsAnyExceptInRange('0', '7');
}
