using Gantry.Identity;
using Gantry.Images;
using Gantry.Persistence;
using Gantry.Snapshots;

namespace Gantry.Containers.Volumes;

/// <summary>A container's root: its image's layers, and a layer of its own on top.</summary>
public sealed class ContainerRoot(NodePaths paths, SnapshotStore snapshots)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Makes the container's directories and mounts its root.</summary>
    /// <exception cref="Linux.SyscallException">The kernel refused the mount.</exception>
    public void Mount(ContainerId id, ImageRecord image, ContainerSpec spec, ContainerPlace place)
    {
        Directory.CreateDirectory(paths.Container(id), Private);
        Directory.CreateDirectory(paths.ContainerState(id), Private);
        Directory.CreateDirectory(paths.ContainerUpper(id));
        Directory.CreateDirectory(paths.ContainerWork(id));
        Directory.CreateDirectory(paths.ContainerRootfs(id));
        var options = new OverlayOptions { NoDevices = !spec.Security.Privileged, Context = place.Labels?.File };
        var trees = image.ChainIds.Reverse().Select(snapshots.TreePath).ToList();
        if (place.User is null)
        {
            OverlayMount.Mount(trees, paths.ContainerUpper(id), paths.ContainerWork(id), paths.ContainerRootfs(id), options);
            return;
        }
        NamespaceRootAccess.LetPass(paths, paths.ContainerState(id), place.User);
        // The top of the writable layer is the top of the root.
        NamespaceRootAccess.Give(paths.ContainerUpper(id), place.User);
        var mapped = Path.Combine(paths.ContainerVolumes(id), "root.layers");
        Directory.CreateDirectory(mapped);
        using var layers = MappedSnapshots.Attach(paths, place.NamespacePaths["user"], mapped);
        OverlayMount.Mount([.. trees.Select(layers.Map)], paths.ContainerUpper(id), paths.ContainerWork(id), paths.ContainerRootfs(id), options);
    }
}
