using System.Buffers.Binary;
using Gantry.Linux.Descriptors;

namespace Gantry.Linux.Files;

/// <summary>
/// Makes and opens single entries of an open directory. Names are bytes of one component; no call follows a symbolic
/// link at that name. The makers answer false where the name is taken.
/// </summary>
public static class DirectoryEntry
{
    private const uint FifoType = 0x1000;
    private const uint CharacterType = 0x2000;
    private const uint BlockType = 0x6000;
    private const int LinkTargetLimit = 4096;

    /// <summary>mkdirat(2).</summary>
    /// <exception cref="SyscallException">Any error but EEXIST.</exception>
    public static bool TryMakeDirectory(FileDescriptor parent, ReadOnlySpan<byte> name, uint mode)
    {
        Span<byte> space = stackalloc byte[EntryName.StackSize];
        return Made(LibC.MkdirAt(parent.Number, EntryName.Terminate(name, space), mode), "mkdirat", name);
    }

    /// <summary>Makes a regular file and opens it for reading and writing; null where the name is taken.</summary>
    /// <param name="mode">Of which the process's mask takes away.</param>
    /// <exception cref="SyscallException">Any error but EEXIST.</exception>
    public static FileDescriptor? TryMakeFile(FileDescriptor parent, ReadOnlySpan<byte> name, uint mode = 0b110_000_000)
    {
        Span<byte> space = stackalloc byte[EntryName.StackSize];
        var flags = LibC.OReadWrite | LibC.OCreate | LibC.OExclusive | LibC.ONoFollow | LibC.OCloseOnExec;
        var fd = LibC.OpenAt(parent.Number, EntryName.Terminate(name, space), flags, mode);
        return Made(fd < 0 ? -1 : 0, "openat", name) ? new FileDescriptor(fd) : null;
    }

    /// <summary>Makes a FIFO or a device of mode 0600.</summary>
    /// <exception cref="SyscallException">Any error but EEXIST.</exception>
    public static bool TryMakeSpecial(FileDescriptor parent, ReadOnlySpan<byte> name, FileKind kind, uint major, uint minor)
    {
        var type = kind switch
        {
            FileKind.Fifo => FifoType,
            FileKind.CharacterDevice => CharacterType,
            FileKind.BlockDevice => BlockType,
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
        // The split of a device number that glibc's makedev has.
        var device = (minor & 0xffu) | ((major & 0xfffu) << 8) | ((ulong)(minor & ~0xffu) << 12) | ((ulong)(major & ~0xfffu) << 32);
        Span<byte> space = stackalloc byte[EntryName.StackSize];
        return Made(LibC.MknodAt(parent.Number, EntryName.Terminate(name, space), type | 0x180, device), "mknodat", name);
    }

    /// <summary>symlinkat(2); the target is not looked at.</summary>
    /// <exception cref="SyscallException">Any error but EEXIST.</exception>
    public static bool TryMakeLink(FileDescriptor parent, ReadOnlySpan<byte> name, ReadOnlySpan<byte> target)
    {
        Span<byte> space = stackalloc byte[EntryName.StackSize];
        Span<byte> targetSpace = stackalloc byte[EntryName.StackSize];
        return Made(
            LibC.SymlinkAt(EntryName.Terminate(target, targetSpace), parent.Number, EntryName.Terminate(name, space)), "symlinkat", name);
    }

    /// <summary>Gives the file <paramref name="fromName"/> a second name; a symbolic link itself, not what it points to.</summary>
    /// <exception cref="SyscallException">Any error but EEXIST: ENOENT where there is no such file, EPERM for a directory.</exception>
    public static bool TryMakeHardLink(
        FileDescriptor fromParent, ReadOnlySpan<byte> fromName, FileDescriptor parent, ReadOnlySpan<byte> name)
    {
        Span<byte> fromSpace = stackalloc byte[EntryName.StackSize];
        Span<byte> space = stackalloc byte[EntryName.StackSize];
        return Made(
            LibC.LinkAt(fromParent.Number, EntryName.Terminate(fromName, fromSpace), parent.Number, EntryName.Terminate(name, space), 0),
            "linkat", name);
    }

    /// <summary>Opens the directory of that name; null where there is none, or something else.</summary>
    /// <exception cref="SyscallException">Any error but ENOENT, ENOTDIR and ELOOP.</exception>
    public static FileDescriptor? TryOpenDirectory(FileDescriptor parent, ReadOnlySpan<byte> name) =>
        TryOpen(parent, name, LibC.OReadOnly | LibC.ODirectory);

    /// <summary>Opens what the caller knows to be a regular file, for reading; null where there is nothing, or a link.</summary>
    /// <exception cref="SyscallException">Any error but ENOENT, ENOTDIR and ELOOP.</exception>
    public static FileDescriptor? TryOpenFile(FileDescriptor parent, ReadOnlySpan<byte> name) =>
        TryOpen(parent, name, LibC.OReadOnly | LibC.ONonBlock);

    /// <summary>Opens whatever has that name only as a place (O_PATH), a link itself; null where there is nothing.</summary>
    /// <exception cref="SyscallException">Any error but ENOENT, ENOTDIR and ELOOP.</exception>
    public static FileDescriptor? TryOpenPlace(FileDescriptor parent, ReadOnlySpan<byte> name) => TryOpen(parent, name, LibC.OPath);

    /// <summary>Where the symbolic link of that name points to; null where there is none.</summary>
    /// <exception cref="SyscallException">Any error but ENOENT and EINVAL.</exception>
    public static byte[]? TryReadLink(FileDescriptor parent, ReadOnlySpan<byte> name)
    {
        Span<byte> space = stackalloc byte[EntryName.StackSize];
        var target = new byte[LinkTargetLimit];
        var length = LibC.ReadLinkAt(parent.Number, EntryName.Terminate(name, space), target, LinkTargetLimit);
        if (length >= 0)
            return target[..(int)length];
        var errno = LastErrno.Get();
        return errno is Errno.ENOENT or Errno.EINVAL ? null : throw new SyscallException("readlinkat", errno, EntryName.Show(name));
    }

    /// <summary>The names in an open directory, without "." and ".."; reads it from the start.</summary>
    /// <exception cref="SyscallException">What getdents64 returned.</exception>
    public static IReadOnlyList<byte[]> List(FileDescriptor directory, string subject)
    {
        LibC.Seek(directory.Number, 0, 0);
        var names = new List<byte[]>();
        var buffer = new byte[32 * 1024];
        while (true)
        {
            var read = (int)LibC.GetDirectoryEntries(directory.Number, buffer, (nuint)buffer.Length);
            if (read < 0)
                throw new SyscallException("getdents64", LastErrno.Get(), subject);
            if (read == 0)
                return names;
            // struct linux_dirent64: length at 16, name at 19.
            for (var at = 0; at < read; at += BinaryPrimitives.ReadUInt16LittleEndian(buffer.AsSpan(at + 16)))
            {
                var name = buffer.AsSpan(at + 19);
                name = name[..name.IndexOf((byte)0)];
                if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                    names.Add(name.ToArray());
            }
        }
    }

    private static FileDescriptor? TryOpen(FileDescriptor parent, ReadOnlySpan<byte> name, int flags)
    {
        Span<byte> space = stackalloc byte[EntryName.StackSize];
        var terminated = EntryName.Terminate(name, space);
        while (true)
        {
            var fd = LibC.OpenAt(parent.Number, terminated, flags | LibC.ONoFollow | LibC.OCloseOnExec, 0);
            if (fd >= 0)
                return new FileDescriptor(fd);
            var errno = LastErrno.Get();
            if (errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
                return null;
            if (errno != Errno.EINTR)
                throw new SyscallException("openat", errno, EntryName.Show(name));
        }
    }

    private static bool Made(int result, string call, ReadOnlySpan<byte> name)
    {
        if (result == 0)
            return true;
        var errno = LastErrno.Get();
        return errno == Errno.EEXIST ? false : throw new SyscallException(call, errno, EntryName.Show(name));
    }
}
