using Gantry.Linux.Files;
using Gantry.Linux.Mounts;
using Gantry.Persistence;

namespace Gantry.Statistics;

/// <summary>The file system that holds everything of Gantry's. It does not change while a daemon runs.</summary>
public sealed class NodeStorage(NodePaths paths)
{
    private readonly Lazy<MountEntry?> _mount = new(() => MountTable.Holding(paths.Root));

    /// <summary>A real mount point: the kubelet drops statistics of a path that is none.</summary>
    public string MountPoint => _mount.Value?.MountPoint ?? "/";

    /// <summary>As "/dev/sda1".</summary>
    public string Device => _mount.Value?.Source ?? "";

    /// <summary>How full it is now.</summary>
    /// <exception cref="Linux.SyscallException">It can't be asked.</exception>
    public DiskSpace Space() => DiskSpace.Of(paths.Root);
}
