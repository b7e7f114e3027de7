namespace Gantry.Linux;

/// <summary>Tells of a failure whether the node has run out of something, whoever threw it: .NET puts the errno into HResult.</summary>
public static class Exhaustion
{
    /// <summary>Disk, quota or inodes.</summary>
    public static bool IsDisk(Exception failure) => ErrnoOf(failure) is Errno.ENOSPC or Errno.EDQUOT
        // Without an errno: a file that was to be made with a size.
        || (failure is IOException && failure.Message.Contains("disk was full", StringComparison.Ordinal));

    /// <summary>Any of disk, quota, inodes, descriptors, memory and processes.</summary>
    public static bool Is(Exception failure) =>
        failure is SyscallException { IsExhaustion: true } || IsDisk(failure) || ErrnoOf(failure) is Errno.EMFILE or Errno.ENFILE;

    private static Errno ErrnoOf(Exception failure) => failure switch
    {
        SyscallException call => call.Errno,
        IOException => (Errno)failure.HResult,
        _ => Errno.None,
    };
}
