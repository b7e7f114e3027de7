using System.Runtime.InteropServices;

namespace Gantry.Linux;

/// <summary>A system call that failed: which call, with which error, on what.</summary>
public sealed class SyscallException : IOException
{
    /// <param name="call">The system call's name, as in its manual page.</param>
    /// <param name="errno">The error that it returned.</param>
    /// <param name="subject">The path, process or device that it was called for.</param>
    public SyscallException(string call, Errno errno, string subject)
        : base($"{call} {subject}: {Marshal.GetPInvokeErrorMessage((int)errno)} ({errno})")
    {
        Call = call;
        Errno = errno;
        Subject = subject;
    }

    public string Call { get; }

    public Errno Errno { get; }

    public string Subject { get; }

    /// <summary>Whether the node has run out of something: disk, quota, inodes, descriptors, memory or processes.</summary>
    public bool IsExhaustion => Errno is Errno.ENOSPC or Errno.EDQUOT or Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM or Errno.EAGAIN;
}
