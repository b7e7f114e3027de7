using Gantry.Linux.Files;
using Gantry.Linux.Mounts;
using Gantry.Persistence;

namespace Gantry.Statistics;

/// <summary>
/// The file systems that hold what is Gantry's. Mostly it is one; but the folders of blobs, layers and containers may each be
/// a mount of its own below the root. They do not change while a daemon runs.
/// </summary>
public sealed class NodeStorage(NodePaths paths)
{
    /// <summary>Where images are as they were fetched.</summary>
    public StorageDisk Blobs { get; } = new(paths.Images, paths.Root);

    /// <summary>Where images are unpacked.</summary>
    public StorageDisk Layers { get; } = new(paths.Snapshots, paths.Root);

    /// <summary>Where containers write.</summary>
    public StorageDisk Containers { get; } = new(paths.Containers, paths.Root);

    /// <summary>Each file system once, with what it holds in words.</summary>
    public IReadOnlyList<(StorageDisk Disk, string Holds)> Disks =>
        [.. new[] { (Disk: Layers, Holds: "layers"), (Disk: Blobs, Holds: "blobs"), (Disk: Containers, Holds: "containers") }
            .GroupBy(item => item.Disk.MountPoint)
            .Select(disk => (disk.First().Disk, string.Join(", ", disk.Select(item => item.Holds))))];
}

/// <summary>The file system that holds one folder.</summary>
/// <param name="folder">Need not exist yet.</param>
/// <param name="root">Above the folder; exists.</param>
public sealed class StorageDisk(string folder, string root)
{
    private readonly Lazy<MountEntry?> _mount = new(() => MountTable.Holding(folder));

    /// <summary>A real mount point: the kubelet drops statistics of a path that is none.</summary>
    public string MountPoint => _mount.Value?.MountPoint ?? "/";

    /// <summary>As "/dev/sda1".</summary>
    public string Device => _mount.Value?.Source ?? "";

    /// <summary>How full it is now.</summary>
    /// <exception cref="Linux.SyscallException">It can't be asked.</exception>
    public DiskSpace Space() => DiskSpace.Of(Directory.Exists(folder) ? folder : root);
}
