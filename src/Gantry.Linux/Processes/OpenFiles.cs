using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;

namespace Gantry.Linux.Processes;

/// <summary>How many descriptors a process has open.</summary>
/// <param name="Descriptors">All of them.</param>
/// <param name="Sockets">Those of sockets.</param>
public readonly record struct OpenFiles(long Descriptors, long Sockets)
{
    private const int BufferSize = 16 * 1024;

    /// <summary>Those of one process; none where it has ended.</summary>
    /// <exception cref="SyscallException">This process has no descriptor left.</exception>
    public static OpenFiles Of(int pid)
    {
        FileDescriptor directory;
        try
        {
            directory = RegularFile.OpenDirectory(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/fd"));
        }
        catch (SyscallException e) when (e.Errno is Errno.ENOENT or Errno.ESRCH or Errno.EACCES)
        {
            return default;
        }
        using (directory)
            return Count(directory);
    }

    private static OpenFiles Count(FileDescriptor directory)
    {
        long all = 0;
        long sockets = 0;
        Span<byte> target = stackalloc byte[8];
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        while (true)
        {
            var read = (int)LibC.GetDirectoryEntries(directory.Number, buffer, BufferSize);
            if (read <= 0)
                break;
            // struct linux_dirent64: length at 16, name at 19.
            for (var at = 0; at < read; at += BinaryPrimitives.ReadUInt16LittleEndian(buffer.AsSpan(at + 16)))
            {
                var name = buffer.AsSpan(at + 19);
                if (name[0] == (byte)'.')
                    continue;
                all++;
                // "socket:[12345]": the kernel cuts what does not fit.
                var length = (int)LibC.ReadLinkAt(directory.Number, name, target, (nuint)target.Length);
                if (length == target.Length && target.StartsWith("socket:["u8))
                    sockets++;
            }
        }
        ArrayPool<byte>.Shared.Return(buffer);
        return new OpenFiles(all, sockets);
    }
}
