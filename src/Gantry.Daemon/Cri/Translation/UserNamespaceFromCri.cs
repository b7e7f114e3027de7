using Gantry.Containers;
using Gantry.Cri.Api;
using Gantry.Faults;
using Gantry.Linux.Namespaces;
using NamespaceMode = Gantry.Containers.NamespaceMode;

namespace Gantry.Cri.Translation;

/// <summary>User namespaces and mapped ids, as the kubelet sends them: one range, the same for users and groups, that maps 0.</summary>
internal static class UserNamespaceFromCri
{
    /// <exception cref="InvalidRequestException">The mode or a mapping is none that a pod can have.</exception>
    public static UserNamespaceSpec Translate(UserNamespace given, NamespaceOption sharing)
    {
        const string Field = "namespace_options.userns_options";
        var (uids, gids) = (Mappings(given.Uids), Mappings(given.Gids));
        switch (given.Mode)
        {
            case Api.NamespaceMode.Node:
                return uids.Count == 0 && gids.Count == 0
                    ? new UserNamespaceSpec(NamespaceMode.Node, [], [])
                    : throw new InvalidRequestException($"{Field}: mode NODE has no mappings");
            case Api.NamespaceMode.Pod:
                CheckRange(uids, $"{Field}.uids");
                CheckRange(gids, $"{Field}.gids");
                if (!uids.SequenceEqual(gids))
                    throw new InvalidRequestException($"{Field}: uids and gids are mapped differently, where the same range is expected");
                if (uids[0].ContainerId != 0)
                    throw new InvalidRequestException($"{Field}: container id 0 is not mapped");
                if (uids[0].HostId == 0)
                    throw new InvalidRequestException($"{Field}: the node's root would be the pod's root; map to another host_id");
                CheckSharing(sharing, Field);
                return new UserNamespaceSpec(NamespaceMode.Pod, uids, gids);
            default:
                throw new InvalidRequestException($"{Field}: mode {given.Mode} is none of a user namespace; POD and NODE are");
        }
    }

    /// <summary>Mappings of one mount: both kinds or none.</summary>
    /// <exception cref="InvalidRequestException">They are no ranges.</exception>
    public static (IReadOnlyList<IdMapping> Uids, IReadOnlyList<IdMapping> Gids) Translate(Mount mount)
    {
        var (uids, gids) = (Mappings(mount.UidMappings), Mappings(mount.GidMappings));
        if (uids.Count == 0 && gids.Count == 0)
            return ([], []);
        var field = $"config.mounts: mount {PodSpecFromCri.Shown(mount.ContainerPath)}";
        CheckRange(uids, $"{field}: uidMappings");
        CheckRange(gids, $"{field}: gidMappings");
        return (uids, gids);
    }

    private static List<IdMapping> Mappings(IEnumerable<IDMapping> given) => [.. given.Select(range => new IdMapping(range.HostId, range.ContainerId, range.Length))];

    private static void CheckRange(IReadOnlyList<IdMapping> ranges, string field)
    {
        if (ranges.Count != 1)
            throw new InvalidRequestException($"{field} has {ranges.Count} mappings, where one is expected");
        var range = ranges[0];
        // The highest id is no id: -1 means "leave it as it is" (chown(2)).
        if (range.Length == 0 || (ulong)range.HostId + range.Length > uint.MaxValue || (ulong)range.ContainerId + range.Length > uint.MaxValue)
            throw new InvalidRequestException($"{field}: {range.Length} ids from {range.HostId}, seen from {range.ContainerId} on, are no range of ids");
    }

    /// <summary>These must be the user namespace's own: a proc or mqueue that belongs to the node cannot be mounted in it.</summary>
    private static void CheckSharing(NamespaceOption sharing, string field)
    {
        foreach (var (mode, name) in new[] { (sharing.Pid, "PID"), (sharing.Ipc, "IPC") })
        {
            if (mode is Api.NamespaceMode.Node)
                throw new InvalidRequestException($"{field}: a pod with a user namespace cannot have the node's {name} namespace");
        }
    }
}
