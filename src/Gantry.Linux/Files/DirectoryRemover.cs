using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Gantry.Linux.Descriptors;

namespace Gantry.Linux.Files;

/// <summary>
/// Deletes a tree that may hold anything: it follows no symbolic link, crosses no mount (a bind mount of the same file
/// system neither), and needs no deeper stack and no more descriptors for a tree of any depth.
/// </summary>
public static class DirectoryRemover
{
    private const int MaxDepth = 64;
    private const int BufferSize = 32 * 1024;
    private const int NameOffset = 19;
    private const byte DirectoryType = 4;
    private const byte UnknownType = 0;
    private const int Rounds = 8;

    /// <summary>
    /// Deletes what is at <paramref name="path"/>, a file or a whole tree. Nothing there is fine; a second call finishes
    /// what a first one that failed or was killed has left.
    /// </summary>
    /// <exception cref="SyscallException">
    /// Names the entry that could not be deleted: EPERM for an immutable one, EXDEV or EBUSY for a mount point below.
    /// </exception>
    public static void Remove(string path)
    {
        var trimmed = path.TrimEnd('/');
        var slash = trimmed.LastIndexOf('/');
        FileDescriptor parent;
        try
        {
            parent = RegularFile.OpenDirectory(slash < 0 ? "." : slash == 0 ? "/" : trimmed[..slash]);
        }
        catch (SyscallException e) when (e.Errno == Errno.ENOENT)
        {
            return;
        }
        using (parent)
            RemoveEntry(parent, Encoding.UTF8.GetBytes(trimmed[(slash + 1)..]), trimmed);
    }

    /// <summary>Deletes the entry <paramref name="name"/> of an open directory, with all that is below it.</summary>
    /// <param name="name">One component: no slash, not "." or "..".</param>
    /// <param name="subject">The path to name in an error.</param>
    /// <exception cref="SyscallException">As for <see cref="Remove"/>.</exception>
    public static void RemoveEntry(FileDescriptor parent, ReadOnlySpan<byte> name, string subject)
    {
        if (name.IsEmpty || name.SequenceEqual("."u8) || name.SequenceEqual(".."u8) || name.Contains((byte)'/'))
            throw new SyscallException("unlinkat", Errno.EINVAL, subject);
        Span<byte> space = stackalloc byte[EntryName.StackSize];
        var terminated = EntryName.Terminate(name, space);
        if (TryUnlink(parent, terminated, subject))
            return;
        using (var top = OpenChild(parent, name, subject))
        {
            // Deep directories are moved up below the top while it is emptied, hence the rounds.
            var moved = 0;
            for (var round = 0; ; round++)
            {
                Empty(top, top, subject, 0, ref moved);
                if (LibC.UnlinkAt(parent.Number, terminated, LibC.AtRemoveDirectory) == 0)
                    return;
                var errno = LastErrno.Get();
                if (errno == Errno.ENOENT)
                    return;
                if (errno is not (Errno.ENOTEMPTY or Errno.EEXIST) || (moved == 0 && round >= Rounds))
                    throw new SyscallException("unlinkat", errno, subject);
                moved = 0;
            }
        }
    }

    private static void Empty(FileDescriptor directory, FileDescriptor top, string subject, int depth, ref int moved)
    {
        LibC.Seek(directory.Number, 0, 0);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            while (true)
            {
                var read = (int)LibC.GetDirectoryEntries(directory.Number, buffer, BufferSize);
                if (read < 0)
                    throw new SyscallException("getdents64", LastErrno.Get(), subject);
                if (read == 0)
                    return;
                for (var at = 0; at < read; at += BinaryPrimitives.ReadUInt16LittleEndian(buffer.AsSpan(at + 16)))
                {
                    var name = buffer.AsSpan(at + NameOffset);
                    name = name[..(name.IndexOf((byte)0) + 1)];
                    if (!name.SequenceEqual(".\0"u8) && !name.SequenceEqual("..\0"u8))
                        RemoveChild(directory, top, name, buffer[at + 18], $"{subject}/", depth, ref moved);
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <param name="name">With its NUL.</param>
    private static void RemoveChild(
        FileDescriptor directory, FileDescriptor top, ReadOnlySpan<byte> name, byte type, string prefix, int depth, ref int moved)
    {
        if (type is not (DirectoryType or UnknownType))
        {
            if (LibC.UnlinkAt(directory.Number, name, 0) != 0 && LastErrno.Get() is var errno and not Errno.ENOENT)
                throw new SyscallException("unlinkat", errno, prefix + EntryName.Show(name[..^1]));
            return;
        }
        var subject = prefix + EntryName.Show(name[..^1]);
        // An empty directory needs no descriptor.
        if (LibC.UnlinkAt(directory.Number, name, LibC.AtRemoveDirectory) == 0 || TryUnlink(directory, name, subject))
            return;
        if (depth >= MaxDepth && MoveUp(directory, top, name, ref moved))
            return;
        using (var child = OpenChild(directory, name[..^1], subject))
            Empty(child, top, subject, depth + 1, ref moved);
        if (LibC.UnlinkAt(directory.Number, name, LibC.AtRemoveDirectory) != 0 && LastErrno.Get() is var last and not Errno.ENOENT)
            throw new SyscallException("unlinkat", last, subject);
    }

    private static bool MoveUp(FileDescriptor directory, FileDescriptor top, ReadOnlySpan<byte> name, ref int moved)
    {
        moved++;
        var free = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $".gantry-{Guid.NewGuid():N}\0"));
        return LibC.RenameAt(directory.Number, name, top.Number, free) == 0;
    }

    /// <summary>False where it is a directory.</summary>
    private static bool TryUnlink(FileDescriptor parent, ReadOnlySpan<byte> terminated, string subject)
    {
        if (LibC.UnlinkAt(parent.Number, terminated, 0) == 0)
            return true;
        return LastErrno.Get() switch
        {
            Errno.ENOENT => true,
            Errno.EISDIR => false,
            // POSIX's answer for a directory; for an immutable file the open below fails with ENOTDIR instead.
            Errno.EPERM when FileStatus.TryGet(parent, terminated[..^1], subject) is { Kind: FileKind.Directory } => false,
            var errno => throw new SyscallException("unlinkat", errno, subject),
        };
    }

    private static FileDescriptor OpenChild(FileDescriptor parent, ReadOnlySpan<byte> name, string subject)
    {
        try
        {
            return SafePath.OpenBeneath(parent, name, LibC.OReadOnly | LibC.ODirectory | LibC.ONoFollow, crossMounts: false);
        }
        catch (SyscallException e)
        {
            throw new SyscallException(e.Call, e.Errno, subject);
        }
    }
}
