using Gantry.Linux.Mounts;
using Gantry.Persistence;

namespace Gantry.Snapshots;

/// <summary>
/// All layer trees with their owners as a user namespace sees them, at a place of the caller's: what is 0 on disk is the
/// namespace's root. An overlay that is mounted over these trees keeps seeing them so after this is disposed.
/// </summary>
/// <remarks>overlayfs takes such layers since Linux 5.19; ext4, xfs and btrfs can be shown so.</remarks>
public sealed class MappedSnapshots : IDisposable
{
    private readonly string _from;
    private readonly string _place;

    private MappedSnapshots(string from, string place)
    {
        _from = from;
        _place = place;
    }

    /// <param name="paths">The node's paths.</param>
    /// <param name="userNamespacePath">A file of the user namespace.</param>
    /// <param name="place">An empty directory.</param>
    /// <exception cref="Linux.SyscallException">EINVAL where the file system of the trees cannot be shown so.</exception>
    public static MappedSnapshots Attach(NodePaths paths, string userNamespacePath, string place)
    {
        using var tree = MountTree.Copy(paths.Snapshots, recursive: false);
        tree.MapIds(userNamespacePath);
        // Nobody else's mount namespace need hear of it.
        tree.Change(Propagation.Private);
        tree.Attach(place);
        return new MappedSnapshots(paths.Snapshots, place);
    }

    /// <summary>Where a tree of <see cref="SnapshotStore.TreePath"/> is seen so.</summary>
    public string Map(string treePath) => _place + treePath[_from.Length..];

    public void Dispose() => Mount.UnmountTree(_place);
}
