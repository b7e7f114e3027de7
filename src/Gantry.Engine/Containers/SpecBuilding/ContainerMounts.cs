using Gantry.Cgroups;
using Gantry.Faults;
using Gantry.Linux;
using Gantry.Linux.Files;
using Gantry.Linux.Mounts;
using Gantry.Oci.Spec;

namespace Gantry.Containers.SpecBuilding;

/// <summary>What is mounted into a container: the standard file systems, the pod's files, and what the request asks for.</summary>
public static class ContainerMounts
{
    /// <exception cref="InvalidRequestException">A mount contradicts itself.</exception>
    public static IReadOnlyList<OciMount> For(ContainerSpec spec, ContainerPlace place, CgroupMode cgroups)
    {
        var asked = spec.Mounts.Select(mount => Translate(spec, mount)).OrderBy(mount => Depth(mount.Destination)).ToList();
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
        // A sysfs of a network namespace that is not the mounter's own is refused: the node's is bound for the host's network.
        yield return new OciMount("/sys", "sysfs", "sysfs", ["nosuid", "noexec", "nodev", access]);
        yield return new OciMount("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev", "relatime", access]);
        if (place.SharedMemoryPath.Length > 0)
            yield return new OciMount("/dev/shm", "bind", place.SharedMemoryPath, ["rbind", "nosuid", "noexec", "nodev"]);
        var file = spec.Security.ReadOnlyRootfs ? "ro" : "rw";
        foreach (var (destination, source) in new[] { ("/etc/hosts", place.HostsPath), ("/etc/hostname", place.HostnamePath), ("/etc/resolv.conf", place.ResolvConfPath) })
        {
            if (source.Length > 0)
                yield return new OciMount(destination, "bind", source, ["rbind", "rprivate", file]);
        }
        _ = cgroups;
    }

    private static OciMount Translate(ContainerSpec spec, MountSpec mount)
    {
        if (mount.Image is not null)
            throw new NotSupportedException($"container {spec.Name}: mount {mount.ContainerPath} is of an image, which this version does not have yet");
        if (mount.HostPath.Length == 0)
            throw new InvalidRequestException($"container {spec.Name}: mount {mount.ContainerPath} has no host path");
        CheckRecursion(spec, mount);
        var source = Source(spec, mount);
        CheckPropagation(spec, mount, source);
        var options = new List<string> { "rbind", mount.Propagation switch { MountPropagation.Bidirectional => "rshared", MountPropagation.HostToContainer => "rslave", _ => "rprivate" } };
        options.Add(mount.RecursiveReadOnly ? "rro" : mount.ReadOnly ? "ro" : "rw");
        return new OciMount(mount.ContainerPath, "bind", source, options);
    }

    private static void CheckRecursion(ContainerSpec spec, MountSpec mount)
    {
        if (!mount.RecursiveReadOnly)
            return;
        if (!mount.ReadOnly)
            throw new InvalidRequestException($"container {spec.Name}: mount {mount.ContainerPath} is recursively read-only and not read-only: set readonly too");
        if (mount.Propagation is not MountPropagation.Private)
            throw new InvalidRequestException($"container {spec.Name}: mount {mount.ContainerPath} is recursively read-only, which needs private propagation");
    }

    /// <summary>A mount is shared or slave only where its source's is.</summary>
    private static void CheckPropagation(ContainerSpec spec, MountSpec mount, string source)
    {
        if (mount.Propagation is MountPropagation.Private)
            return;
        var tags = MountTable.Holding(source)?.Propagation ?? "";
        var isShared = tags.Contains("shared:", StringComparison.Ordinal);
        var isSlave = tags.Contains("master:", StringComparison.Ordinal);
        if (!isShared && (mount.Propagation is MountPropagation.Bidirectional || !isSlave))
        {
            throw new WrongStateException(
                $"container {spec.Name}: mount {mount.ContainerPath} asks for {mount.Propagation} propagation, and {mount.HostPath} is on a private mount: make it shared (mount --make-rshared)");
        }
    }

    /// <summary>The host's path with its links resolved; a directory is made where nothing is, as the kubelet expects.</summary>
    private static string Source(ContainerSpec spec, MountSpec mount)
    {
        try
        {
            if (FileStatus.TryGet(mount.HostPath) is null)
                Directory.CreateDirectory(mount.HostPath);
            return RealPath.Resolve(mount.HostPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && !Exhaustion.Is(e))
        {
            throw new InvalidRequestException($"container {spec.Name}: the source {mount.HostPath} of mount {mount.ContainerPath} is not there and cannot be made: {e.Message}", e);
        }
    }
}
