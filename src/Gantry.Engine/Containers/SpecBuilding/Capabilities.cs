using System.Globalization;
using Gantry.Faults;

namespace Gantry.Containers.SpecBuilding;

/// <summary>Which capabilities a container's process gets (capabilities(7)).</summary>
public static class Capabilities
{
    /// <summary>By number.</summary>
    private static readonly string[] _all =
    [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP",
        "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER",
        "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE",
        "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP",
        "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF",
        "CAP_CHECKPOINT_RESTORE",
    ];

    private static readonly string[] _default =
    [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP",
        "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
    ];

    private static readonly Lazy<HashSet<string>> _held = new(() => Held(File.ReadAllText("/proc/self/status")));

    /// <summary>The default set, changed as the request asks; what this daemon does not hold itself cannot be given and is left out.</summary>
    /// <exception cref="InvalidRequestException">A name is no capability.</exception>
    public static IReadOnlyList<string> For(ContainerSecurity security)
    {
        if (security.Privileged)
            return Keep(_all);
        var add = security.AddCapabilities.Select(Name).ToList();
        var drop = security.DropCapabilities.Select(Name).ToList();
        IEnumerable<string> set = add.Contains("ALL") ? _all : drop.Contains("ALL") ? [] : _default;
        if (!drop.Contains("ALL"))
            set = set.Except(drop);
        return Keep(set.Union(add.Where(name => name != "ALL")));
    }

    internal static HashSet<string> Held(string status)
    {
        var line = status.Split('\n').FirstOrDefault(line => line.StartsWith("CapEff:", StringComparison.Ordinal)) ?? "CapEff: 0";
        var mask = ulong.Parse(line.AsSpan(7).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return [.. _all.Where((_, number) => (mask & (1UL << number)) != 0)];
    }

    private static List<string> Keep(IEnumerable<string> names) => [.. names.Where(_held.Value.Contains).Order(StringComparer.Ordinal)];

    private static string Name(string text)
    {
        var upper = text.ToUpperInvariant();
        if (upper == "ALL")
            return upper;
        var name = upper.StartsWith("CAP_", StringComparison.Ordinal) ? upper : "CAP_" + upper;
        return _all.Contains(name) ? name : throw new InvalidRequestException($"capability '{text}' is not one that Linux has");
    }
}
