namespace Gantry.Linux.Files;

/// <summary>
/// Reads the small files by which the kernel tells of cgroups, processes and interfaces (cgroupfs, proc, sysfs): whole, by
/// one open, and without allocating. Such a file may go at any moment, and that is no error. Writes those that it asks by.
/// </summary>
public static class KernelFile
{
    private const int PathLimit = 1024;

    /// <summary>
    /// The kernel fills a page as long as lines fit into it (seq_file): a read of less than half a page was the last one, and
    /// asking for the end would be one call in four.
    /// </summary>
    private const int LastRead = 2048;

    /// <summary>Reads a file into <paramref name="buffer"/>.</summary>
    /// <param name="directory">Its directory, one of the kernel's.</param>
    /// <param name="name">Its name there.</param>
    /// <param name="buffer">What does not fit is cut at the end of a line.</param>
    /// <returns>How many bytes were read; -1 where the file is not there, or the kernel has nothing to tell in it.</returns>
    /// <exception cref="SyscallException">This process has no descriptor or memory left.</exception>
    public static int TryRead(string directory, ReadOnlySpan<byte> name, Span<byte> buffer)
    {
        var fd = TryOpen(directory, name);
        if (fd < 0)
            return -1;
        try
        {
            var length = 0;
            while (length < buffer.Length)
            {
                var read = (int)LibC.ReadAt(fd, buffer[length..], (nuint)(buffer.Length - length), length);
                if (read < 0 && LastErrno.Get() != Errno.EINTR)
                    return -1;
                length += Math.Max(0, read);
                if (read is >= 0 and < LastRead && length < buffer.Length)
                    return length;
            }
            return buffer[..length].LastIndexOf((byte)'\n') + 1;
        }
        finally
        {
            LibC.Close(fd);
        }
    }

    /// <summary>How many lines a file has, of whatever length it is; -1 where it can't be read.</summary>
    /// <exception cref="SyscallException">This process has no descriptor or memory left.</exception>
    public static long TryCountLines(string directory, ReadOnlySpan<byte> name)
    {
        var fd = TryOpen(directory, name);
        if (fd < 0)
            return -1;
        Span<byte> buffer = stackalloc byte[4096];
        try
        {
            long lines = 0;
            for (long at = 0; ;)
            {
                var read = (int)LibC.ReadAt(fd, buffer, (nuint)buffer.Length, at);
                if (read < 0 && LastErrno.Get() != Errno.EINTR)
                    return -1;
                lines += buffer[..Math.Max(0, read)].Count((byte)'\n');
                at += Math.Max(0, read);
                if (read is >= 0 and < LastRead)
                    return lines;
            }
        }
        finally
        {
            LibC.Close(fd);
        }
    }

    /// <summary>Writes a value to a file that is there, in one call, as the kernel asks for.</summary>
    /// <exception cref="SyscallException">What open or the write returned: EINVAL for a value that the kernel does not take.</exception>
    public static void Write(string path, ReadOnlySpan<byte> value)
    {
        using var file = RegularFile.Open(path, LibC.OWriteOnly);
        RegularFile.WriteAt(file, value, 0, path);
    }

    private static int TryOpen(string directory, ReadOnlySpan<byte> name)
    {
        Span<byte> path = stackalloc byte[PathLimit];
        if (!System.Text.Encoding.UTF8.TryGetBytes(directory, path, out var length) || length + name.Length + 2 > path.Length)
            return -1;
        path[length] = (byte)'/';
        name.CopyTo(path[(length + 1)..]);
        path[length + 1 + name.Length] = 0;
        while (true)
        {
            var fd = LibC.OpenAt(LibC.AtFdCwd, path, LibC.OReadOnly | LibC.OCloseOnExec, 0);
            if (fd >= 0)
                return fd;
            var errno = LastErrno.Get();
            // Read as "not there", these would tell of a node at rest in the middle of its worst hour.
            if (errno is Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM)
                throw new SyscallException("open", errno, $"{directory}/{EntryName.Show(name)}");
            if (errno != Errno.EINTR)
                return -1;
        }
    }
}
