using System.Globalization;

namespace Gantry.Linux.Processes;

/// <summary>Reaping of children by pid; nothing here waits for any child, so that no other owner's child is taken.</summary>
public static class ProcessWait
{
    /// <summary>What a child's status is taken for when somebody else has reaped it.</summary>
    public const int Unknown = 255;

    private const int NoHang = 1;
    private const int SetChildSubreaper = 36;

    /// <summary>Waits for the child and returns its status: 0 to 255, or 128 + n for signal n.</summary>
    /// <exception cref="SyscallException">It is no child of this process.</exception>
    public static int Reap(int pid)
    {
        while (true)
        {
            if (LibC.WaitPid(pid, out var status, 0) == pid)
                return Decode(status);
            var errno = LastErrno.Get();
            if (errno != Errno.EINTR)
                throw new SyscallException("waitpid", errno, pid.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Whether the child has ended; <paramref name="code"/> is its status then, and it is reaped.</summary>
    public static bool TryReap(int pid, out int code)
    {
        var ended = LibC.WaitPid(pid, out var status, NoHang) == pid;
        code = ended ? Decode(status) : 0;
        return ended;
    }

    /// <summary>Reaps any child that has ended; 0 where there is none. Only for a process that owns all of its children.</summary>
    public static int TryReapAny(out int code)
    {
        var pid = LibC.WaitPid(-1, out var status, NoHang);
        code = pid > 0 ? Decode(status) : 0;
        return Math.Max(pid, 0);
    }

    /// <summary>Makes orphans below this process its children (prctl(2), PR_SET_CHILD_SUBREAPER).</summary>
    public static void BecomeSubreaper()
    {
        if (LibC.ProcessControl(SetChildSubreaper, 1, 0, 0, 0) != 0)
            throw new SyscallException("prctl", LastErrno.Get(), "PR_SET_CHILD_SUBREAPER");
    }

    private static int Decode(int status) => (status & 0x7f) == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f);
}
