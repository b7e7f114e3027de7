namespace Gantry.Linux.Descriptors;

/// <summary>What a read or write came to.</summary>
public enum IoOutcome
{
    Done,
    WouldBlock,
    Ended,
    Failed,
}

/// <summary>read(2) and write(2) on descriptors, without streams: for loops that poll.</summary>
public static class DescriptorIo
{
    /// <summary>Reads once; <paramref name="count"/> is what arrived.</summary>
    public static unsafe IoOutcome Read(FileDescriptor file, Span<byte> buffer, out int count)
    {
        while (true)
        {
            nint n;
            // SAFE: the kernel writes at most the span's length into it while it is pinned.
            fixed (byte* bytes = buffer)
                n = LibC.Read(file.Number, bytes, (nuint)buffer.Length);
            count = (int)Math.Max(n, 0);
            if (n > 0)
                return IoOutcome.Done;
            if (n == 0)
                return IoOutcome.Ended;
            var errno = LastErrno.Get();
            if (errno == Errno.EINTR)
                continue;
            // EIO is what a pty's master says when the other side is gone.
            return errno is Errno.EAGAIN ? IoOutcome.WouldBlock : errno is Errno.EIO ? IoOutcome.Ended : IoOutcome.Failed;
        }
    }

    /// <summary>Writes once; <paramref name="count"/> is what was taken.</summary>
    public static unsafe IoOutcome Write(FileDescriptor file, ReadOnlySpan<byte> bytes, out int count)
    {
        while (true)
        {
            nint n;
            // SAFE: the kernel reads at most the span's length from it while it is pinned.
            fixed (byte* start = bytes)
                n = LibC.Write(file.Number, start, (nuint)bytes.Length);
            count = (int)Math.Max(n, 0);
            if (n >= 0)
                return IoOutcome.Done;
            var errno = LastErrno.Get();
            if (errno == Errno.EINTR)
                continue;
            return errno is Errno.EAGAIN ? IoOutcome.WouldBlock : errno is Errno.EPIPE ? IoOutcome.Ended : IoOutcome.Failed;
        }
    }

    /// <summary>Writes everything, or as much as the file takes; false where it did not take all.</summary>
    public static bool WriteAll(FileDescriptor file, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            if (Write(file, bytes, out var count) != IoOutcome.Done || count == 0)
                return false;
            bytes = bytes[count..];
        }
        return true;
    }
}
