using Gantry.Linux.Descriptors;

namespace Gantry.Linux.Mounts;

/// <summary>Attributes of one mount (mount_setattr(2)).</summary>
[Flags]
public enum MountAttributes
{
    None = 0,
    ReadOnly = 0x1,
    NoSetId = 0x2,
    NoDevices = 0x4,
    NoExecute = 0x8,
    NoAccessTime = 0x10,
    NoDirectoryAccessTime = 0x80,
}

/// <summary>How mounts made below a mount show in its copies (mount_namespaces(7)).</summary>
public enum Propagation
{
    Private = 1 << 18,
    Slave = 1 << 19,
    Shared = 1 << 20,
}

/// <summary>Mounting and unmounting in the namespace of the calling thread.</summary>
public static class Mount
{
    private const nuint BindFlag = 0x1000;
    private const nuint RecursiveFlag = 0x4000;
    private const int DetachFlag = 2;
    private const int NoFollowFlag = 8;
    private const nint RecursiveAt = 0x8000;
    private const nint MoveFromEmptyPath = 0x4;

    /// <summary>Shows <paramref name="source"/> at <paramref name="target"/>, which exists and is of the same kind.</summary>
    /// <param name="recursive">What is mounted below the source comes along.</param>
    /// <exception cref="SyscallException">What mount returned.</exception>
    public static void Bind(string source, string target, bool recursive = false) =>
        Call(source, target, null, BindFlag | (recursive ? RecursiveFlag : 0), null);

    /// <summary>Mounts a new tmpfs, nosuid, nodev and noexec, with options as "size=64m,mode=1777".</summary>
    /// <exception cref="SyscallException">What mount returned.</exception>
    public static void Tmpfs(string target, string options) => FileSystem("tmpfs", "tmpfs", target,
        MountAttributes.NoSetId | MountAttributes.NoDevices | MountAttributes.NoExecute, options);

    /// <summary>A further option for such a string: the SELinux context of all files, in quotes, since categories have commas between them.</summary>
    /// <param name="context">Null for none.</param>
    public static string ContextOption(string? context) => context is null ? "" : $",context=\"{context}\"";

    /// <summary>mount(2) of a new file system with its options in one string of at most 4095 bytes.</summary>
    /// <exception cref="SyscallException">What mount returned.</exception>
    public static void FileSystem(string type, string source, string target, MountAttributes attributes, string options)
    {
        // The first four attributes have the same numbers as the MS_ flags of mount(2).
        Call(source, target, type, (nuint)(int)attributes, options);
    }

    /// <summary>Sets attributes on a mount that is there; those not named stay as they are.</summary>
    /// <param name="recursive">On all mounts below it too.</param>
    /// <exception cref="SyscallException">What mount_setattr returned; ENOSYS before Linux 5.12.</exception>
    public static void SetAttributes(string target, MountAttributes attributes, bool recursive = false)
    {
        var buffer = new LibC.MountAttributesBuffer { Set = (ulong)attributes };
        if (LibC.MountSetAttributes(LibC.MountSetAttributesNumber, LibC.AtFdCwd, target, recursive ? RecursiveAt : 0, buffer, 32) != 0)
            throw new SyscallException("mount_setattr", LastErrno.Get(), target);
    }

    /// <summary>
    /// Takes away the topmost mount at <paramref name="target"/>, without following a symbolic link there. Nothing mounted,
    /// or nothing there, is what the caller wanted.
    /// </summary>
    /// <param name="lazy">Detach at once even if it is in use; it ends when the last user does.</param>
    /// <exception cref="SyscallException">What umount2 returned, EBUSY among others.</exception>
    public static void Unmount(string target, bool lazy = false)
    {
        if (LibC.Umount2(target, NoFollowFlag | (lazy ? DetachFlag : 0)) == 0)
            return;
        var errno = LastErrno.Get();
        if (errno is not (Errno.EINVAL or Errno.ENOENT))
            throw new SyscallException("umount2", errno, target);
    }

    /// <summary>
    /// Takes away the tree of mounts at <paramref name="target"/> at once. It is made private first: taking away a copy of
    /// a shared mount would take away what is mounted below the original too.
    /// </summary>
    /// <exception cref="SyscallException">What umount2 returned.</exception>
    public static void UnmountTree(string target)
    {
        if (LibC.Mount(null, target, null, (nuint)(int)Propagation.Private | RecursiveFlag, null) == 0)
            Unmount(target, lazy: true);
        else if (LastErrno.Get() is var errno and not (Errno.EINVAL or Errno.ENOENT))
            throw new SyscallException("mount", errno, target);
    }

    /// <summary>
    /// Takes what is mounted below the mount at <paramref name="mountPoint"/> away from the calling thread's mount namespace,
    /// which no other thread has, and lets nothing come after it: that one mount stays, and is nobody's peer. All other mounts become
    /// slaves of what they were copied from, so that they come and go as those do. No other namespace is changed.
    /// </summary>
    /// <param name="mountPoint">Of a mount; not "/".</param>
    /// <exception cref="SyscallException">What a call returned, ENOSYS before Linux 5.12. The namespace may be without the mount then.</exception>
    public static void Bare(string mountPoint)
    {
        // First, and recursively: a copy that is still a peer would take the original's mounts away with its own.
        Call(null, "/", null, (nuint)(int)Propagation.Slave | RecursiveFlag, null);
        using var bare = MountTree.Copy(mountPoint, recursive: false);
        bare.Change(Propagation.Private);
        Unmount(mountPoint, lazy: true);
        bare.Attach(mountPoint);
    }

    /// <summary>Attaches a mount made by <see cref="FileSystemContext.CreateMount"/>.</summary>
    /// <exception cref="SyscallException">What move_mount returned.</exception>
    public static void Attach(FileDescriptor mount, string target)
    {
        if (LibC.MoveMount(LibC.MoveMountNumber, mount.Number, "", LibC.AtFdCwd, target, MoveFromEmptyPath) != 0)
            throw new SyscallException("move_mount", LastErrno.Get(), target);
    }

    private static void Call(string? source, string target, string? type, nuint flags, string? data)
    {
        if (LibC.Mount(source, target, type, flags, data) != 0)
            throw new SyscallException("mount", LastErrno.Get(), source is null ? target : $"{source} at {target}");
    }
}
