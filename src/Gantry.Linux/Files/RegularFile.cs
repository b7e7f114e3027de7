using Gantry.Linux.Descriptors;
using Microsoft.Win32.SafeHandles;

namespace Gantry.Linux.Files;

/// <summary>Opening and reading files by path where the path is our own.</summary>
public static class RegularFile
{
    /// <summary>Opens a directory for use as the root of other calls.</summary>
    /// <exception cref="SyscallException">It is missing or no directory.</exception>
    public static FileDescriptor OpenDirectory(string path) => Open(path, LibC.OReadOnly | LibC.ODirectory);

    /// <summary>Opens a file to append to it, and makes it where nothing is; a symbolic link, FIFO or device in its place is refused.</summary>
    /// <exception cref="SyscallException">What open returned; EINVAL for what is no regular file.</exception>
    public static FileDescriptor OpenForAppend(string path, uint mode)
    {
        var file = Open(path, LibC.OWriteOnly | LibC.OCreate | LibC.OAppend | LibC.ONoFollow | LibC.ONonBlock, mode);
        if (FileStatus.Get(file, path).Kind is FileKind.Regular)
            return file;
        file.Dispose();
        throw new SyscallException("open", Errno.EINVAL, path);
    }

    /// <summary>open(2), close-on-exec.</summary>
    /// <exception cref="SyscallException">What open returned.</exception>
    public static FileDescriptor Open(string path, int flags, uint mode = 0)
    {
        while (true)
        {
            var fd = LibC.Open(path, flags | LibC.OCloseOnExec, mode);
            if (fd >= 0)
                return new FileDescriptor(fd);
            var errno = LastErrno.Get();
            if (errno != Errno.EINTR)
                throw new SyscallException("open", errno, path);
        }
    }

    /// <summary>Makes a file, or empties the one that is there, and opens it for reading and writing.</summary>
    /// <exception cref="SyscallException">What open returned.</exception>
    public static FileDescriptor Create(string path, uint mode) =>
        Open(path, LibC.OReadWrite | LibC.OCreate | LibC.OTruncate | LibC.ONoFollow, mode);

    /// <summary>All bytes of a file of our own; a symbolic link, FIFO or device in its place is refused.</summary>
    /// <exception cref="SyscallException">What open returned.</exception>
    /// <exception cref="InvalidDataException">It is longer than <paramref name="limit"/>, or is no regular file.</exception>
    public static byte[] ReadOwn(string path, int limit)
    {
        using var file = Open(path, LibC.OReadOnly | LibC.ONoFollow | LibC.ONonBlock);
        return ReadAll(file, path, limit);
    }

    /// <summary>All bytes of an open regular file of at most <paramref name="limit"/> bytes.</summary>
    /// <exception cref="InvalidDataException">It is longer, or is no regular file.</exception>
    public static byte[] ReadAll(FileDescriptor file, string name, int limit)
    {
        if (FileStatus.Get(file, name).Kind != FileKind.Regular)
            throw new InvalidDataException($"{name} is not a regular file");
        using var borrowed = new SafeFileHandle(file.Number, ownsHandle: false);
        var length = RandomAccess.GetLength(borrowed);
        if (length > limit)
            throw new InvalidDataException($"{name} is {length} bytes long, more than the {limit} that are allowed");
        var bytes = new byte[length];
        var read = 0;
        while (read < bytes.Length)
        {
            var n = RandomAccess.Read(borrowed, bytes.AsSpan(read), read);
            if (n == 0)
                return bytes[..read];
            read += n;
        }
        return bytes;
    }

    /// <summary>Writes all of <paramref name="bytes"/> at <paramref name="offset"/>.</summary>
    /// <exception cref="SyscallException">What pwrite returned: ENOSPC, EDQUOT, EIO.</exception>
    public static void WriteAt(FileDescriptor file, ReadOnlySpan<byte> bytes, long offset, string name)
    {
        while (!bytes.IsEmpty)
        {
            var written = (int)LibC.WriteAt(file.Number, bytes, (nuint)bytes.Length, offset);
            if (written < 0)
            {
                var errno = LastErrno.Get();
                if (errno != Errno.EINTR)
                    throw new SyscallException("pwrite", errno, name);
                continue;
            }
            bytes = bytes[written..];
            offset += written;
        }
    }

    /// <summary>Reads what is at <paramref name="offset"/>; 0 at the end.</summary>
    /// <exception cref="SyscallException">What pread returned.</exception>
    public static int ReadAt(FileDescriptor file, Span<byte> buffer, long offset, string name)
    {
        while (true)
        {
            var read = (int)LibC.ReadAt(file.Number, buffer, (nuint)buffer.Length, offset);
            if (read >= 0)
                return read;
            var errno = LastErrno.Get();
            if (errno != Errno.EINTR)
                throw new SyscallException("pread", errno, name);
        }
    }

    /// <summary>Makes an open file that long: cut, or with a hole at its end.</summary>
    /// <exception cref="SyscallException">What ftruncate returned.</exception>
    public static void SetLength(FileDescriptor file, long length, string name)
    {
        if (LibC.Truncate(file.Number, length) != 0)
            throw new SyscallException("ftruncate", LastErrno.Get(), name);
    }

    /// <summary>Writes the file's content and length to the disk (fsync(2)); of a directory, its entries.</summary>
    /// <exception cref="SyscallException">What fsync returned: what was written may be lost, and trying again proves nothing.</exception>
    public static void Flush(FileDescriptor file, string name)
    {
        if (LibC.Sync(file.Number) != 0)
            throw new SyscallException("fsync", LastErrno.Get(), name);
    }

    /// <summary>
    /// Lets the kernel begin to write a part of the file, and does not wait for it (sync_file_range(2)): the disk works
    /// while the rest is made, and the flush at the end finds little to do. Promises nothing.
    /// </summary>
    public static void BeginWriting(FileDescriptor file, long offset, long count)
    {
        const uint StartWriting = 2;
        _ = LibC.SyncFileRange(file.Number, offset, count, StartWriting);
    }

    /// <summary>Two paths of one file system change places, in one step (renameat2(2), RENAME_EXCHANGE).</summary>
    /// <exception cref="SyscallException">What renameat2 returned.</exception>
    public static void Exchange(string one, string other)
    {
        const uint Exchanged = 2;
        if (LibC.Rename(LibC.AtFdCwd, one, LibC.AtFdCwd, other, Exchanged) != 0)
            throw new SyscallException("renameat2", LastErrno.Get(), one);
    }
}
