using Gantry.Cgroups;
using Gantry.Oci.Spec;

namespace Gantry.Containers.SpecBuilding;

/// <summary>What is mounted into a container: the standard file systems, the pod's files, and what the request asks for.</summary>
public static class ContainerMounts
{
    /// <param name="spec">What was asked for.</param>
    /// <param name="place">What the pod lends.</param>
    /// <param name="volumes">The request's own mounts, ready to be bound, in any order.</param>
    /// <param name="cgroups">Which of cgroups' versions the node has.</param>
    public static IReadOnlyList<OciMount> For(ContainerSpec spec, ContainerPlace place, IReadOnlyList<OciMount> volumes, CgroupMode cgroups)
    {
        var asked = volumes.OrderBy(mount => Depth(mount.Destination)).ToList();
        var overridden = asked.Select(mount => mount.Destination.TrimEnd('/')).ToHashSet(StringComparer.Ordinal);
        var standard = Standard(spec, place, cgroups).Where(mount => !IsOverridden(mount.Destination, overridden));
        return [.. standard, .. asked];
    }

    private static bool IsOverridden(string destination, HashSet<string> overridden) =>
        overridden.Contains(destination) || (destination.StartsWith("/dev/", StringComparison.Ordinal) && overridden.Contains("/dev"));

    private static int Depth(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries).Length;

    private static IEnumerable<OciMount> Standard(ContainerSpec spec, ContainerPlace place, CgroupMode cgroups)
    {
        var access = spec.Security.Privileged ? "rw" : "ro";
        yield return new OciMount("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]);
        yield return new OciMount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]);
        yield return new OciMount("/dev/pts", "devpts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]);
        yield return new OciMount("/dev/mqueue", "mqueue", "mqueue", ["nosuid", "noexec", "nodev"]);
        // A sysfs shows a network namespace, and is refused to a user namespace that does not own that: the node's is bound instead.
        yield return place is { UsesHostNetwork: true, User: not null }
            ? new OciMount("/sys", "bind", "/sys", ["rbind", "rprivate", "nosuid", "noexec", "nodev", "rro"])
            : new OciMount("/sys", "sysfs", "sysfs", ["nosuid", "noexec", "nodev", access]);
        // A cgroup2 that is mounted outside of a cgroup namespace changes the one of the node: options that it lacks (nsdelegate,
        // memory_recursiveprot) end for all (cgroups(7)), and not every OCI runtime passes them on. The node's is bound instead.
        yield return cgroups is CgroupMode.V2 && spec.Security.Privileged
            ? new OciMount("/sys/fs/cgroup", "bind", "/sys/fs/cgroup", ["bind", "rprivate", "nosuid", "noexec", "nodev", "relatime", access])
            : new OciMount("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev", "relatime", access]);
        if (place.SharedMemoryPath.Length > 0)
            yield return new OciMount("/dev/shm", "bind", place.SharedMemoryPath, ["rbind", "rprivate", "nosuid", "noexec", "nodev"]);
        var file = spec.Security.ReadOnlyRootfs ? "ro" : "rw";
        foreach (var (destination, source) in new[] { ("/etc/hosts", place.HostsPath), ("/etc/hostname", place.HostnamePath), ("/etc/resolv.conf", place.ResolvConfPath) })
        {
            if (source.Length > 0)
                yield return new OciMount(destination, "bind", source, ["rbind", "rprivate", file]);
        }
    }
}
