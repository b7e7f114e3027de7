using System.Text;
using Gantry.Faults;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;

namespace Gantry.Containers.SpecBuilding;

/// <summary>
/// Finds a container's user and groups in the image's own /etc/passwd and /etc/group, which are read as data of a stranger:
/// below the image's root, with a limit, and with numbers that are digits and nothing else.
/// </summary>
public static class UserResolver
{
    private const int SizeLimit = 10 << 20;

    /// <param name="rootfs">The container's root, mounted.</param>
    /// <param name="security">What was asked for.</param>
    /// <param name="imageUser">The image's User: a uid or name, with a gid or group behind a colon.</param>
    /// <exception cref="InvalidRequestException">The user or group does not exist, or a group was asked for without a user.</exception>
    public static ResolvedUser Resolve(FileDescriptor rootfs, ContainerSecurity security, string imageUser)
    {
        var passwd = Read(rootfs, "/etc/passwd").Select(Passwd.TryParse).OfType<Passwd>().ToList();
        var groups = Read(rootfs, "/etc/group").Select(Group.TryParse).OfType<Group>().ToList();
        var isAsked = security.RunAsUser is not null || security.RunAsUserName.Length > 0;
        if (security.RunAsGroup is not null && !isAsked)
            throw new InvalidRequestException("run_as_group is given without run_as_user: give both");
        var text = security.RunAsUser is { } asked ? Id(asked, "run_as_user").ToString(System.Globalization.CultureInfo.InvariantCulture)
            : security.RunAsUserName.Length > 0 ? security.RunAsUserName
            : imageUser;
        var parts = text.Split(':', 2);
        var (uid, entry) = FindUser(passwd, parts[0]);
        var gid = security.RunAsGroup is { } group ? Id(group, "run_as_group")
            : parts.Length == 2 && parts[1].Length > 0 ? FindGroup(groups, parts[1])
            : entry?.Gid ?? 0;
        return new ResolvedUser(uid, gid, Additional(security, groups, entry, gid)) { Home = entry is { Home.Length: > 0 } ? entry.Home : uid == 0 ? "/root" : "/" };
    }

    private static (uint Uid, Passwd? Entry) FindUser(List<Passwd> passwd, string user)
    {
        if (user.Length == 0)
            return (0, passwd.Find(entry => entry.Uid == 0));
        if (Digits.TryParse(user, out var uid))
            return (uid, passwd.Find(entry => entry.Uid == uid));
        var found = passwd.Find(entry => entry.Name == user)
            ?? throw new InvalidRequestException($"user '{user}' does not exist in the image's /etc/passwd: add it to the image, or run as a numeric user");
        return (found.Uid, found);
    }

    private static uint FindGroup(List<Group> groups, string group)
    {
        if (Digits.TryParse(group, out var gid))
            return gid;
        return (groups.Find(entry => entry.Name == group)
            ?? throw new InvalidRequestException($"group '{group}' does not exist in the image's /etc/group: add it to the image, or use a numeric group")).Gid;
    }

    /// <summary>Merge: the image's groups of that user and those asked for. Strict: those asked for alone.</summary>
    private static List<uint> Additional(ContainerSecurity security, List<Group> groups, Passwd? entry, uint gid)
    {
        var asked = security.SupplementalGroups.Select(id => Id(id, "supplemental_groups"));
        var own = security.SupplementalGroupsPolicy is SupplementalGroupsPolicy.Strict || entry is null
            ? []
            : groups.Where(group => group.Members.Contains(entry.Name)).Select(group => group.Gid);
        return [.. own.Concat(asked).Prepend(gid).Distinct()];
    }

    private static uint Id(long value, string field) => value is >= 0 and < uint.MaxValue
        ? (uint)value
        : throw new InvalidRequestException($"{field} is {value}, and ids are from 0 to {uint.MaxValue - 1}");

    private static string[] Read(FileDescriptor rootfs, string path)
    {
        try
        {
            return SafePath.ReadFile(rootfs, path, SizeLimit) is { } bytes ? Encoding.UTF8.GetString(bytes).Split('\n') : [];
        }
        catch (InvalidDataException e)
        {
            throw new InvalidRequestException($"the image's {path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>A line of passwd(5).</summary>
    private sealed record Passwd(string Name, uint Uid, uint Gid, string Home)
    {
        public static Passwd? TryParse(string line)
        {
            var f = line.Split(':');
            return f.Length >= 6 && f[0].Length > 0 && Digits.TryParse(f[2], out var uid) && Digits.TryParse(f[3], out var gid) ? new Passwd(f[0], uid, gid, f[5]) : null;
        }
    }

    /// <summary>A line of group(5).</summary>
    private sealed record Group(string Name, uint Gid, IReadOnlyList<string> Members)
    {
        public static Group? TryParse(string line)
        {
            var f = line.Split(':');
            return f.Length >= 4 && f[0].Length > 0 && Digits.TryParse(f[2], out var gid) ? new Group(f[0], gid, f[3].Trim().Split(',', StringSplitOptions.RemoveEmptyEntries)) : null;
        }
    }
}

/// <summary>Numbers of digits alone: the framework's parser takes trailing NULs.</summary>
internal static class Digits
{
    public static bool TryParse(string text, out uint value)
    {
        value = 0;
        if (text.Length is 0 or > 10)
            return false;
        ulong number = 0;
        foreach (var c in text)
        {
            if (!char.IsAsciiDigit(c))
                return false;
            number = (number * 10) + (ulong)(c - '0');
        }
        value = (uint)number;
        return number < uint.MaxValue;
    }
}
