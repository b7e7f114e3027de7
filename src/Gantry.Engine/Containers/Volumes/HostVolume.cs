using Gantry.Faults;
using Gantry.Linux;
using Gantry.Linux.Files;
using Gantry.Linux.Mounts;
using Gantry.Linux.Namespaces;

namespace Gantry.Containers.Volumes;

/// <summary>
/// A mount of a host path. What every OCI runtime can do by itself is left to it; the rest (recursive read-only, mapped ids,
/// further attributes) is done to a copy of the mount, which the runtime then binds as it is.
/// </summary>
internal static class HostVolume
{
    /// <summary>Whether the runtime cannot be trusted with the mount as it is asked for.</summary>
    public static bool NeedsStage(MountSpec mount) => mount.RecursiveReadOnly || mount.UidMappings.Count > 0 || mount.Options.Count > 0;

    /// <summary>The host's path with its links resolved; a directory is made where nothing is, as the kubelet expects.</summary>
    /// <exception cref="InvalidRequestException">Something on the way is no directory, or nothing can be made there.</exception>
    public static string Source(string container, MountSpec mount)
    {
        try
        {
            if (FileStatus.TryGet(mount.HostPath) is null)
                Directory.CreateDirectory(mount.HostPath);
            return RealPath.Resolve(mount.HostPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && !Exhaustion.Is(e))
        {
            throw new InvalidRequestException($"container {container}: the source {mount.HostPath} of mount {mount.ContainerPath} is not there and cannot be made: {e.Message}", e);
        }
    }

    /// <summary>A mount is shared or slave only where its source's is.</summary>
    /// <exception cref="WrongStateException">It is not.</exception>
    public static void CheckPropagation(string container, MountSpec mount, string source)
    {
        if (mount.Propagation is MountPropagation.Private)
            return;
        var holding = MountTable.Holding(source);
        if (holding is not { IsShared: true } && (mount.Propagation is MountPropagation.Bidirectional || holding is not { IsSlave: true }))
        {
            throw new WrongStateException(
                $"container {container}: mount {mount.ContainerPath} asks for {mount.Propagation} propagation, and {mount.HostPath} is on a private mount: make it shared (mount --make-rshared)");
        }
    }

    /// <summary>Attaches a changed copy of the source at <paramref name="target"/>, which is made.</summary>
    /// <exception cref="RecursiveReadOnlyUnsupportedException">This kernel has no recursive read-only mounts.</exception>
    /// <exception cref="WrongStateException">The file system cannot show mapped ids.</exception>
    public static void Stage(string container, MountSpec mount, string source, string target, ContainerPlace place)
    {
        if (Directory.Exists(source))
            Directory.CreateDirectory(target);
        else
            File.OpenHandle(target, FileMode.CreateNew, FileAccess.Write).Dispose();
        using var tree = MountTree.Copy(source, recursive: true);
        SetAttributes(container, mount, tree);
        if (mount.UidMappings.Count > 0)
            MapIds(container, mount, tree, place);
        if (mount.Propagation is not MountPropagation.Bidirectional)
            tree.Change(mount.Propagation is MountPropagation.Private ? Propagation.Private : Propagation.Slave);
        tree.Attach(target);
    }

    private static void SetAttributes(string container, MountSpec mount, MountTree tree)
    {
        var attributes = mount.Options.Aggregate(MountAttributes.None, (all, option) => all | MountOptions.AttributeOf(option));
        if (mount.RecursiveReadOnly)
            attributes |= MountAttributes.ReadOnly;
        if (attributes == MountAttributes.None)
            return;
        try
        {
            tree.Change(attributes);
        }
        catch (SyscallException e) when (e.Errno is Errno.ENOSYS)
        {
            var message = $"container {container}: mount {mount.ContainerPath} needs mount_setattr, which Linux has since 5.12";
            throw mount.RecursiveReadOnly ? new RecursiveReadOnlyUnsupportedException(message, e) : new WrongStateException(message, e);
        }
    }

    private static void MapIds(string container, MountSpec mount, MountTree tree, ContainerPlace place)
    {
        try
        {
            var isPods = place.User is { } user && user.Uids.SequenceEqual(mount.UidMappings) && user.Gids.SequenceEqual(mount.GidMappings);
            if (isPods)
            {
                tree.MapIds(place.NamespacePaths["user"]);
                return;
            }
            using var own = NamespaceHolder.Start(NamespaceKinds.None, mount.UidMappings, mount.GidMappings);
            tree.MapIds(own.PathOf("user"));
        }
        catch (SyscallException e) when (e.Call == "mount_setattr" && e.Errno is Errno.EINVAL or Errno.EPERM)
        {
            throw new WrongStateException(
                $"container {container}: mount {mount.ContainerPath} asks for mapped ids, and the file system of {mount.HostPath} cannot have them on this kernel: {e.Message}", e);
        }
    }
}
