using System.Text;
using Gantry.Linux.Descriptors;

namespace Gantry.Linux.Files;

/// <summary>
/// Opens paths that an image or a pod's author chose, below a directory that we chose. The kernel resolves them as if
/// that directory were the root (openat2(2) RESOLVE_IN_ROOT): no symbolic link, "..", or magic link leads out of it,
/// even if somebody changes the tree at the same time.
/// </summary>
public static class SafePath
{
    private const nint OpenAt2Number = 437;
    private const ulong ResolveNoMounts = 0x01;
    private const ulong ResolveNoMagicLinks = 0x02;
    private const ulong ResolveNoLinks = 0x04;
    private const ulong ResolveBeneath = 0x08;
    private const ulong ResolveInRoot = 0x10;

    /// <summary>Opens <paramref name="path"/> below <paramref name="root"/>.</summary>
    /// <param name="root">An open directory.</param>
    /// <param name="path">Bytes of a path, without NUL; absolute and relative ones alike start at the root.</param>
    /// <param name="flags">open(2) flags; O_CLOEXEC is added.</param>
    /// <param name="mode">The mode of a file that O_CREAT makes.</param>
    /// <exception cref="SyscallException">What openat2 returned.</exception>
    public static FileDescriptor Open(FileDescriptor root, ReadOnlySpan<byte> path, int flags, uint mode = 0) =>
        Open(root, path, flags, mode, ResolveInRoot | ResolveNoMagicLinks);

    /// <summary>Opens the directory at <paramref name="path"/> below <paramref name="root"/>; the root itself where it is empty.</summary>
    /// <exception cref="SyscallException">What openat2 returned: ENOENT, ENOTDIR, ELOOP.</exception>
    public static FileDescriptor OpenDirectory(FileDescriptor root, ReadOnlySpan<byte> path) =>
        Open(root, path.IsEmpty ? "."u8 : path, LibC.OReadOnly | LibC.ODirectory);

    /// <summary>As <see cref="OpenDirectory"/>; null where there is no directory of that path.</summary>
    /// <exception cref="SyscallException">Any error but ENOENT, ENOTDIR and ELOOP.</exception>
    public static FileDescriptor? TryOpenDirectory(FileDescriptor root, ReadOnlySpan<byte> path)
    {
        var flags = LibC.OReadOnly | LibC.ODirectory;
        var directory = TryOpen(root, path.IsEmpty ? "."u8 : path, flags, 0, ResolveInRoot | ResolveNoMagicLinks, out var errno);
        return directory is not null || errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP
            ? directory
            : throw new SyscallException("openat2", errno, Encoding.UTF8.GetString(path));
    }

    /// <summary>The absolute path of an open file, in this process's view (/proc/self/fd).</summary>
    /// <exception cref="SyscallException">What readlink returned.</exception>
    public static byte[] PathOf(FileDescriptor file)
    {
        var target = new byte[8192];
        var length = LibC.ReadLinkAt(LibC.AtFdCwd, Encoding.ASCII.GetBytes(file.ProcPath + "\0"), target, (nuint)target.Length);
        return length >= 0 ? target[..(int)length] : throw new SyscallException("readlink", LastErrno.Get(), file.ProcPath);
    }

    /// <summary>Opens a path that has no symbolic link and no ".." leading out in it, below <paramref name="root"/>.</summary>
    /// <param name="crossMounts">Whether a mount below the root may be entered; EXDEV otherwise.</param>
    /// <exception cref="SyscallException">What openat2 returned: ELOOP for a link, EXDEV for a way out.</exception>
    public static FileDescriptor OpenBeneath(FileDescriptor root, ReadOnlySpan<byte> path, int flags, bool crossMounts = true) =>
        Open(root, path, flags, 0, ResolveBeneath | ResolveNoLinks | ResolveNoMagicLinks | (crossMounts ? 0 : ResolveNoMounts));

    private static FileDescriptor Open(FileDescriptor root, ReadOnlySpan<byte> path, int flags, uint mode, ulong resolve)
    {
        var file = TryOpen(root, path, flags, mode, resolve, out var errno);
        return file ?? throw new SyscallException("openat2", errno, path.IsEmpty ? "''" : Encoding.UTF8.GetString(path));
    }

    private static unsafe FileDescriptor? TryOpen(
        FileDescriptor root, ReadOnlySpan<byte> path, int flags, uint mode, ulong resolve, out Errno errno)
    {
        if (path.Contains((byte)0))
        {
            errno = Errno.EINVAL;
            return null;
        }
        Span<byte> terminated = path.Length < 1024 ? stackalloc byte[path.Length + 1] : new byte[path.Length + 1];
        path.CopyTo(terminated);
        terminated[path.Length] = 0;
        var how = new LibC.OpenHow { Flags = (ulong)(uint)(flags | LibC.OCloseOnExec), Mode = mode, Resolve = resolve };
        while (true)
        {
            nint fd;
            // SAFE: both pointers are to memory of this frame that outlives the call, and the size is the struct's own.
            fixed (byte* bytes = terminated)
                fd = LibC.OpenAt2(OpenAt2Number, root.Number, bytes, &how, (nuint)sizeof(LibC.OpenHow));
            errno = fd >= 0 ? Errno.None : LastErrno.Get();
            if (fd >= 0)
                return new FileDescriptor((int)fd);
            // RESOLVE_IN_ROOT answers EAGAIN when a rename raced with the walk; the kernel asks to try again.
            if (errno is not (Errno.EINTR or Errno.EAGAIN))
                return null;
        }
    }

    /// <summary>Reads a small file below <paramref name="root"/>; null where there is none.</summary>
    /// <exception cref="SyscallException">It cannot be opened, or is no regular file.</exception>
    /// <exception cref="InvalidDataException">It is longer than <paramref name="limit"/> bytes.</exception>
    public static byte[]? ReadFile(FileDescriptor root, string path, int limit)
    {
        FileDescriptor file;
        try
        {
            // Not blocking: a FIFO in an image must not hold the daemon.
            file = Open(root, Encoding.UTF8.GetBytes(path), LibC.OReadOnly | LibC.ONonBlock);
        }
        catch (SyscallException e) when (e.Errno is Errno.ENOENT or Errno.ENOTDIR)
        {
            return null;
        }
        using (file)
            return RegularFile.ReadAll(file, path, limit);
    }
}
