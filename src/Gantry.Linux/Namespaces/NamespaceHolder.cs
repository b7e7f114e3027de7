using System.Globalization;
using System.Runtime.InteropServices;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Processes;

namespace Gantry.Linux.Namespaces;

/// <summary>
/// A process that does nothing but have new namespaces, among them a user namespace that owns the others. A thread cannot
/// make that one for itself (unshare(2): a process with several threads may not). Disposing ends the process; what has been
/// mounted on a file or opened by then lives on.
/// </summary>
public sealed class NamespaceHolder : IDisposable
{
    /// <summary>Should this process die before it disposes the holder, the holder ends by itself.</summary>
    private const int LifeSeconds = 10;
    private const int StackBytes = 64 << 10;
    private const int ChildSignal = 17;
    private const int ShareFiles = 0x400;
    private const int WaitByPidFd = 3;
    private const int WaitExited = 4;
    private static readonly nint _sleep = NativeLibrary.GetExport(NativeLibrary.Load("libc.so.6"), "sleep");
    private readonly int _pid;
    private readonly PidFd _process;

    private NamespaceHolder(int pid, PidFd process)
    {
        _pid = pid;
        _process = process;
    }

    /// <summary>Makes the namespaces, with ids mapped as given.</summary>
    /// <param name="kinds">Besides the user namespace, which owns them.</param>
    /// <exception cref="SyscallException">The kernel refused: user.max_user_namespaces is reached, or 0.</exception>
    public static unsafe NamespaceHolder Start(NamespaceKinds kinds, IReadOnlyList<IdMapping> uids, IReadOnlyList<IdMapping> gids)
    {
        var stack = System.Runtime.InteropServices.NativeMemory.AlignedAlloc(StackBytes, 16);
        int pid;
        try
        {
            // SAFE: the child has a copy of this process's memory and of this stack, and runs nothing but libc's sleep(3) on it:
            // no managed code, no lock. It shares the descriptors, so that it keeps none open that is closed here meanwhile.
            pid = LibC.Clone(_sleep, (nint)stack + StackBytes, (int)(kinds | NamespaceKinds.User) | ShareFiles | ChildSignal, LifeSeconds);
        }
        finally
        {
            System.Runtime.InteropServices.NativeMemory.AlignedFree(stack);
        }
        if (pid < 0)
            throw new SyscallException("clone", LastErrno.Get(), $"user namespace with {kinds}");
        var holder = new NamespaceHolder(pid, PidFd.TryOpen(pid) ?? throw new SyscallException("pidfd_open", Errno.ESRCH, "namespace holder"));
        try
        {
            holder.Write("uid_map", uids);
            holder.Write("gid_map", gids);
            return holder;
        }
        catch
        {
            holder.Dispose();
            throw;
        }
    }

    /// <summary>The file of a namespace of that kind ("user", "net", "ipc", "uts"), while the holder lives.</summary>
    public string PathOf(string kind) => string.Create(CultureInfo.InvariantCulture, $"/proc/{_pid}/ns/{kind}");

    public unsafe void Dispose()
    {
        if (_process.IsClosed)
            return;
        _process.Send(Signals.Kill);
        // By the descriptor: the reaper of all children may have been first, and its number may be another's by now.
        _ = LibC.WaitId(WaitByPidFd, (uint)_process.Number, null, WaitExited);
        _process.Dispose();
    }

    /// <summary>A map is written once, by one call (user_namespaces(7)).</summary>
    private void Write(string map, IReadOnlyList<IdMapping> mappings)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"/proc/{_pid}/{map}");
        using var file = Files.RegularFile.Open(path, LibC.OWriteOnly);
        if (!DescriptorIo.WriteAll(file, System.Text.Encoding.ASCII.GetBytes(string.Concat(mappings.Select(mapping => mapping.ToLine())))))
            throw new SyscallException("write", LastErrno.Get(), path);
    }
}
