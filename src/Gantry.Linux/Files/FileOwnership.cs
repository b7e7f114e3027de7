using Gantry.Linux.Descriptors;

namespace Gantry.Linux.Files;

/// <summary>Owner, mode and times of open files, and of directory entries without following them.</summary>
public static class FileOwnership
{
    /// <summary>The permission bits that this process's new files lack (umask(2)), read without changing them.</summary>
    public static uint ReadUmask()
    {
        foreach (var line in File.ReadLines("/proc/self/status"))
        {
            if (line.StartsWith("Umask:", StringComparison.Ordinal))
                return Convert.ToUInt32(line["Umask:".Length..].Trim(), 8);
        }
        // Kernels before 4.7 do not tell: then nothing is taken for granted.
        return 0b111_111_111;
    }

    /// <summary>Sets owner and group. The kernel clears set-id bits and capabilities, so the mode comes after.</summary>
    /// <exception cref="SyscallException">What fchown returned.</exception>
    public static void SetOwner(FileDescriptor file, uint uid, uint gid, string subject) =>
        Check(LibC.ChangeOwner(file.Number, uid, gid), "fchown", subject);

    /// <summary>Sets the owner of an entry; of a symbolic link itself.</summary>
    /// <exception cref="SyscallException">What fchownat returned.</exception>
    public static void SetOwner(FileDescriptor parent, ReadOnlySpan<byte> name, uint uid, uint gid)
    {
        Span<byte> space = stackalloc byte[EntryName.StackSize];
        if (LibC.ChangeOwnerAt(parent.Number, EntryName.Terminate(name, space), uid, gid, LibC.AtSymlinkNoFollow) != 0)
            throw new SyscallException("fchownat", LastErrno.Get(), EntryName.Show(name));
    }

    /// <summary>Sets the permission bits, set-id and sticky included, whatever the umask.</summary>
    /// <exception cref="SyscallException">What fchmod returned.</exception>
    public static void SetMode(FileDescriptor file, uint mode, string subject) =>
        Check(LibC.ChangeMode(file.Number, mode), "fchmod", subject);

    /// <summary>Sets the mode of a file opened only as a place (O_PATH): a FIFO or a device, which must not really be opened.</summary>
    /// <exception cref="SyscallException">What chmod returned.</exception>
    public static void SetModeOfPlace(FileDescriptor place, uint mode, string subject) =>
        Check(LibC.ChangeModeByPath(place.ProcPath, mode), "chmod", subject);

    /// <summary>Sets access and modification time.</summary>
    /// <exception cref="SyscallException">What futimens returned.</exception>
    public static void SetTimes(FileDescriptor file, long seconds, long nanoseconds, string subject)
    {
        var time = new LibC.TimeSpec { Seconds = seconds, Nanoseconds = nanoseconds };
        Check(LibC.SetTimes(file.Number, [time, time]), "futimens", subject);
    }

    /// <summary>Sets the times of an entry; of a symbolic link itself.</summary>
    /// <exception cref="SyscallException">What utimensat returned.</exception>
    public static void SetTimes(FileDescriptor parent, ReadOnlySpan<byte> name, long seconds, long nanoseconds)
    {
        Span<byte> space = stackalloc byte[EntryName.StackSize];
        var time = new LibC.TimeSpec { Seconds = seconds, Nanoseconds = nanoseconds };
        if (LibC.SetTimesAt(parent.Number, EntryName.Terminate(name, space), [time, time], LibC.AtSymlinkNoFollow) != 0)
            throw new SyscallException("utimensat", LastErrno.Get(), EntryName.Show(name));
    }

    private static void Check(int result, string call, string subject)
    {
        if (result != 0)
            throw new SyscallException(call, LastErrno.Get(), subject);
    }
}
