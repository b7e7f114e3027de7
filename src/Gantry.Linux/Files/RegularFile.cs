using Gantry.Linux.Descriptors;
using Microsoft.Win32.SafeHandles;

namespace Gantry.Linux.Files;

/// <summary>Opening and reading files by path where the path is our own.</summary>
public static class RegularFile
{
    /// <summary>Opens a directory for use as the root of other calls.</summary>
    /// <exception cref="SyscallException">It is missing or no directory.</exception>
    public static FileDescriptor OpenDirectory(string path) => Open(path, LibC.OReadOnly | LibC.ODirectory);

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
}
