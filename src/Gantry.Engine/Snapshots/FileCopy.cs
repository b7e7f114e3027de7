using System.Buffers;
using Gantry.Linux;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;

namespace Gantry.Snapshots;

/// <summary>Copies of a file or directory of one layer into the tree of another.</summary>
internal static class FileCopy
{
    private const int BufferSize = 128 * 1024;

    /// <summary>Owner, mode, attributes and time, in the order in which none undoes another.</summary>
    internal static void Look(FileDescriptor from, FileDescriptor to, string subject)
    {
        var status = FileStatus.Get(from, subject);
        FileOwnership.SetOwner(to, status.Uid, status.Gid, subject);
        FileOwnership.SetMode(to, status.Mode, subject);
        foreach (var name in ExtendedAttributes.List(from, subject))
        {
            // overlayfs's own marks (opaque, origin) say something about the layer that they are in.
            if (!name.AsSpan().StartsWith("trusted.overlay."u8) && ExtendedAttributes.TryGet(from, name, subject) is { } value)
                ExtendedAttributes.Set(to, name, value, subject);
        }
        FileOwnership.SetTimes(to, status.ModifiedSeconds, status.ModifiedNanoseconds, subject);
    }

    internal static void Content(FileDescriptor from, FileDescriptor to, long length, string subject)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            for (var at = 0L; at < length;)
            {
                var read = RegularFile.ReadAt(from, buffer, at, subject);
                if (read == 0)
                    throw new SyscallException("pread", Errno.EIO, subject);
                RegularFile.WriteAt(to, buffer.AsSpan(0, read), at, subject);
                at += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
