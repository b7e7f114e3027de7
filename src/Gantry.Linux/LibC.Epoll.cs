using System.Runtime.InteropServices;

namespace Gantry.Linux;

/// <summary>epoll(7), waitid(2) and signals by descriptor.</summary>
internal static partial class LibC
{
    internal const int EpollAdd = 1;
    internal const int EpollDelete = 2;
    internal const int EpollModify = 3;
    internal const uint EpollIn = 0x1;
    internal const uint EpollOut = 0x4;
    internal const uint EpollError = 0x8;
    internal const uint EpollHangUp = 0x10;
    internal const uint EpollOneShot = 1u << 30;
    internal const int EpollCloseOnExec = 0x80000;
    internal const nint PidFdSendSignalNumber = 424;

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    internal static partial int EpollCreate(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    internal static unsafe partial int EpollControl(int epoll, int operation, int fd, EpollEvent* request);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    internal static unsafe partial int EpollWait(int epoll, EpollEvent* events, int count, int timeoutMilliseconds);

    [LibraryImport("libc", EntryPoint = "waitid", SetLastError = true)]
    internal static unsafe partial int WaitId(int kind, uint id, int* signalInfo, int options);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint PidFdSendSignal(nint number, int pidFd, int signal, nint info, uint flags);

    /// <summary>struct epoll_event, which is packed on x86-64 alone.</summary>
    internal struct EpollEvent
    {
        // On arm64 there are four bytes between the two; Data is read by its offset.
        internal unsafe fixed byte Bytes[16];
    }
}
