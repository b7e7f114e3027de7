using System.Runtime.InteropServices;

namespace Gantry.Linux;

internal static partial class LibC
{
    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    internal static partial int Unshare(int flags);

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    internal static partial int SetNamespace(int file, int kind);

    /// <summary>The library's clone(2): the child calls the C function and ends with what it returns.</summary>
    [LibraryImport("libc", EntryPoint = "clone", SetLastError = true)]
    internal static partial int Clone(nint function, nint stackTop, int flags, nint argument);

    /// <summary>As a bare system call: the library's function of the name changes every thread.</summary>
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint SetThreadIds(nint number, nint real, nint effective, nint saved);

    [LibraryImport("libc", EntryPoint = "sethostname", SetLastError = true)]
    internal static unsafe partial int SetHostName(byte* name, nuint length);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    internal static unsafe partial int InterfaceControl(int fd, nuint request, byte* argument);

    [LibraryImport("libc", EntryPoint = "umask")]
    internal static partial uint Umask(uint mask);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    internal static partial int FileLock(int fd, int operation);
}
