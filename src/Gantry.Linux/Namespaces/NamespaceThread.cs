using System.Text;

namespace Gantry.Linux.Namespaces;

/// <summary>Kinds of namespaces (namespaces(7)); the values are clone(2)'s flags.</summary>
[Flags]
public enum NamespaceKinds
{
    None = 0,
    Mount = 0x00020000,
    Uts = 0x04000000,
    Ipc = 0x08000000,
    User = 0x10000000,
    Network = 0x40000000,
}

/// <summary>
/// A thread that makes new namespaces for itself or enters one, does something there, and dies. Namespaces belong to a
/// thread: one of the pool would carry them into other work.
/// </summary>
public static class NamespaceThread
{
    /// <summary>Runs <paramref name="work"/> in new namespaces of those kinds.</summary>
    /// <exception cref="SyscallException">The kernel refused them.</exception>
    public static Task RunAsync(NamespaceKinds kinds, Action work) => RunAsync(
        () =>
        {
            if (kinds != NamespaceKinds.None && LibC.Unshare((int)kinds) != 0)
                throw new SyscallException("unshare", LastErrno.Get(), kinds.ToString());
            work();
        });

    /// <summary>Runs <paramref name="work"/> in namespaces that exist.</summary>
    /// <param name="files">Each one's file, of any kind but mount and user.</param>
    /// <exception cref="SyscallException">One is gone, or the kernel refused it.</exception>
    public static Task RunInAsync(IReadOnlyList<string> files, Action work) => RunAsync(
        () =>
        {
            foreach (var file in files)
                Enter(file, NamespaceKinds.None);
            work();
        });

    /// <summary>
    /// Makes the calling thread another user's, for the rest of its life: what a namespace's own root alone may write.
    /// </summary>
    public static void BecomeUser(uint uid, uint gid)
    {
        const nint Same = -1;
        var isArm = System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture is System.Runtime.InteropServices.Architecture.Arm64;
        if (LibC.SetThreadIds(isArm ? 149 : 119, Same, (nint)gid, Same) != 0)
            throw new SyscallException("setresgid", LastErrno.Get(), "thread");
        if (LibC.SetThreadIds(isArm ? 147 : 117, Same, (nint)uid, Same) != 0)
            throw new SyscallException("setresuid", LastErrno.Get(), "thread");
    }

    private static Task RunAsync(Action work)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(
            () =>
            {
                try
                {
                    work();
                    done.SetResult();
                }
                catch (Exception e)
                {
                    done.SetException(e);
                }
            },
            256 << 10)
        { IsBackground = true, Name = "namespaces" };
        thread.Start();
        return done.Task;
    }

    /// <summary>Moves the calling thread into a namespace of another; only for one that <see cref="RunAsync(NamespaceKinds, Action)"/> made.</summary>
    /// <param name="file">A file that the namespace is pinned at, or one of /proc/PID/ns.</param>
    /// <param name="kind">What it must be: a file of another kind is refused; None for any.</param>
    /// <exception cref="SyscallException">There is no such namespace (any more).</exception>
    public static void Enter(string file, NamespaceKinds kind)
    {
        using var opened = Files.RegularFile.Open(file, LibC.OReadOnly);
        if (LibC.SetNamespace(opened.Number, (int)kind) != 0)
            throw new SyscallException("setns", LastErrno.Get(), file);
    }

    /// <summary>Sets the calling thread's UTS namespace's host name.</summary>
    public static unsafe void SetHostName(string name)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        // SAFE: the length is the array's own, which is pinned.
        fixed (byte* start = bytes)
        {
            if (LibC.SetHostName(start, (nuint)bytes.Length) != 0)
                throw new SyscallException("sethostname", LastErrno.Get(), name);
        }
    }

    /// <summary>Brings the loopback interface of the calling thread's network namespace up (netdevice(7)).</summary>
    public static unsafe void BringLoopbackUp()
    {
        const nuint GetFlags = 0x8913;
        const nuint SetFlags = 0x8914;
        using var socket = new Descriptors.FileDescriptor(LibC.Socket(2, 2 | 0x80000, 0));
        var request = stackalloc byte[40];
        // SAFE: struct ifreq is 40 bytes: 16 of name, then a union whose first two bytes are the flags.
        new Span<byte>(request, 40).Clear();
        "lo"u8.CopyTo(new Span<byte>(request, 16));
        if (LibC.InterfaceControl(socket.Number, GetFlags, request) != 0)
            throw new SyscallException("ioctl SIOCGIFFLAGS", LastErrno.Get(), "lo");
        *(ushort*)(request + 16) |= 1;
        if (LibC.InterfaceControl(socket.Number, SetFlags, request) != 0)
            throw new SyscallException("ioctl SIOCSIFFLAGS", LastErrno.Get(), "lo");
    }
}
