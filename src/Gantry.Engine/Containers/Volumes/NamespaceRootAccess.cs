using Gantry.Linux.Files;
using Gantry.Networking;
using Gantry.Persistence;

namespace Gantry.Containers.Volumes;

/// <summary>
/// What the root of a user namespace, who is nobody outside of it, may reach of the node's own directories: the OCI runtime
/// walks to a container's root as that user.
/// </summary>
public static class NamespaceRootAccess
{
    private const uint Passable = 0b111_001_001;
    private const uint PassableToGroup = 0b111_001_000;

    /// <summary>The directory of a container's state, through which the namespace's root, and no other, may pass.</summary>
    /// <exception cref="Linux.SyscallException">The directory is gone.</exception>
    public static void LetPass(NodePaths paths, string containerState, UserNamespace user)
    {
        // Their names are random, and what is in them is closed to others.
        SetMode(paths.State, Passable);
        SetMode(paths.StateContainers, Passable);
        using var folder = RegularFile.OpenDirectory(containerState);
        FileOwnership.SetOwner(folder, 0, user.RootGid, containerState);
        FileOwnership.SetMode(folder, PassableToGroup, containerState);
    }

    /// <summary>Makes a directory the namespace's root's own.</summary>
    /// <exception cref="Linux.SyscallException">The directory is gone.</exception>
    public static void Give(string directory, UserNamespace user)
    {
        using var folder = RegularFile.OpenDirectory(directory);
        FileOwnership.SetOwner(folder, user.RootUid, user.RootGid, directory);
    }

    /// <summary>The first directory on the way to <paramref name="path"/> through which others may not pass; null where there is none.</summary>
    public static string? FirstClosed(string path)
    {
        for (var at = path; at is not null; at = Path.GetDirectoryName(at))
        {
            if (FileStatus.TryGet(at) is { } status && (status.Mode & 1) == 0)
                return at;
        }
        return null;
    }

    private static void SetMode(string path, uint mode)
    {
        using var folder = RegularFile.OpenDirectory(path);
        FileOwnership.SetMode(folder, mode, path);
    }
}
