namespace Gantry.Linux.Namespaces;

/// <summary>A range of ids of a user namespace (user_namespaces(7)).</summary>
/// <param name="HostId">The first id, as the namespace outside has it.</param>
/// <param name="ContainerId">The first id, as processes in the namespace see it.</param>
/// <param name="Length">How many ids.</param>
public sealed record IdMapping(uint HostId, uint ContainerId, uint Length)
{
    /// <summary>What <paramref name="id"/> of the namespace is outside of it; null where the range does not hold it.</summary>
    public uint? ToHost(uint id) => id >= ContainerId && id - ContainerId < Length ? HostId + (id - ContainerId) : null;

    /// <summary>A line of /proc/PID/uid_map.</summary>
    internal string ToLine() => System.FormattableString.Invariant($"{ContainerId} {HostId} {Length}\n");
}
