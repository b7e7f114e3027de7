using System.Globalization;

namespace Gantry.Linux.Descriptors;

/// <summary>A process held by a descriptor (pidfd_open(2)): it can be polled for its end, and its number is never another's.</summary>
public sealed class PidFd : FileDescriptor
{
    private const nint PidFdOpenNumber = 434;

    private PidFd(int fd)
        : base(fd)
    {
    }

    /// <summary>Opens a live process; null where there is none of that number.</summary>
    /// <exception cref="SyscallException">Any error but ESRCH.</exception>
    public static PidFd? TryOpen(int pid)
    {
        var fd = LibC.PidFdOpen(PidFdOpenNumber, pid, 0);
        if (fd >= 0)
            return new PidFd((int)fd);
        var errno = LastErrno.Get();
        return errno is Errno.ESRCH or Errno.EINVAL ? null : throw new SyscallException("pidfd_open", errno, pid.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Sends a signal (pidfd_send_signal(2)); a process that has ended is fine.</summary>
    /// <exception cref="SyscallException">Any error but ESRCH.</exception>
    public void Send(int signal)
    {
        if (LibC.PidFdSendSignal(LibC.PidFdSendSignalNumber, Number, signal, 0, 0) == 0)
            return;
        var errno = LastErrno.Get();
        if (errno != Errno.ESRCH)
            throw new SyscallException("pidfd_send_signal", errno, "process");
    }
}
