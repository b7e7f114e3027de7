using Microsoft.Win32.SafeHandles;

namespace Gantry.Linux.Descriptors;

/// <summary>
/// An open file descriptor that this process owns; closing happens once, on dispose. Every descriptor here is made
/// close-on-exec, so that no child inherits it by accident.
/// </summary>
public class FileDescriptor : SafeHandleMinusOneIsInvalid
{
    public FileDescriptor()
        : base(ownsHandle: true)
    {
    }

    /// <summary>Takes over <paramref name="fd"/>, which must be open and owned by nobody else.</summary>
    public FileDescriptor(int fd)
        : base(ownsHandle: true) => SetHandle(fd);

    /// <summary>A descriptor of its own for the file that <paramref name="fd"/> names: closing it leaves that one open.</summary>
    /// <exception cref="SyscallException">There is no such descriptor.</exception>
    public static FileDescriptor Duplicate(int fd)
    {
        const int DuplicateCloseOnExec = 1030;
        var copy = LibC.FileControl(fd, DuplicateCloseOnExec, 0);
        return copy >= 0 ? new FileDescriptor(copy) : throw new SyscallException("fcntl F_DUPFD_CLOEXEC", LastErrno.Get(), "descriptor");
    }

    /// <summary>The number, for a call that needs it; valid while this object is not disposed.</summary>
    public int Number => IsClosed || IsInvalid ? throw new ObjectDisposedException(nameof(FileDescriptor)) : (int)handle;

    /// <summary>This descriptor's name below /proc/self/fd, by which other calls can reach the same open file.</summary>
    public string ProcPath => $"/proc/self/fd/{Number}";

    /// <summary>Hands the descriptor to a new owner; this object no longer closes it.</summary>
    public FileDescriptor Move()
    {
        var moved = new FileDescriptor(Number);
        SetHandleAsInvalid();
        return moved;
    }

    protected override bool ReleaseHandle() => LibC.Close((int)handle) == 0;
}
