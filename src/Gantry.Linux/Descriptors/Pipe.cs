namespace Gantry.Linux.Descriptors;

/// <summary>A pipe(2), both ends close-on-exec.</summary>
public sealed class Pipe : IDisposable
{
    private const int GetFlags = 3;
    private const int SetFlags = 4;

    private Pipe(int read, int write)
    {
        Reader = new FileDescriptor(read);
        Writer = new FileDescriptor(write);
    }

    public FileDescriptor Reader { get; }

    public FileDescriptor Writer { get; }

    /// <exception cref="SyscallException">Descriptors have run out.</exception>
    public static unsafe Pipe Open()
    {
        var ends = stackalloc int[2];
        // SAFE: the kernel writes two ints into this frame.
        if (LibC.Pipe2(ends, LibC.OCloseOnExec) != 0)
            throw new SyscallException("pipe2", LastErrno.Get(), "pipe");
        return new Pipe(ends[0], ends[1]);
    }

    /// <summary>Makes reads or writes of that end return at once when they would block.</summary>
    public static void SetNonBlocking(FileDescriptor end)
    {
        var flags = LibC.FileControl(end.Number, GetFlags, 0);
        if (flags < 0 || LibC.FileControl(end.Number, SetFlags, flags | LibC.ONonBlock) < 0)
            throw new SyscallException("fcntl", LastErrno.Get(), "pipe");
    }

    public void Dispose()
    {
        Reader.Dispose();
        Writer.Dispose();
    }
}
