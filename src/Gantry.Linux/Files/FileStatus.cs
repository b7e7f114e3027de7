using Gantry.Linux.Descriptors;

namespace Gantry.Linux.Files;

/// <summary>What a directory entry is: the file type bits of a mode (inode(7)).</summary>
public enum FileKind
{
    Unknown = 0,
    Fifo = 0x1,
    CharacterDevice = 0x2,
    Directory = 0x4,
    BlockDevice = 0x6,
    Regular = 0x8,
    SymbolicLink = 0xA,
    Socket = 0xC,
}

/// <summary>What statx(2) tells of a file.</summary>
/// <param name="Kind">Its type.</param>
/// <param name="Mode">Permission bits with set-id and sticky, without the type.</param>
/// <param name="Uid">Owner.</param>
/// <param name="Gid">Group.</param>
/// <param name="Size">Length in bytes.</param>
/// <param name="Blocks">Space taken, in units of 512 bytes.</param>
/// <param name="Links">Hard links.</param>
/// <param name="Inode">Inode number.</param>
/// <param name="DeviceMajor">Of the file system that holds it.</param>
/// <param name="DeviceMinor">Of the file system that holds it.</param>
/// <param name="SpecialMajor">Of the device that it is, where it is one.</param>
/// <param name="SpecialMinor">Of the device that it is, where it is one.</param>
public sealed record FileStatus(
    FileKind Kind, uint Mode, uint Uid, uint Gid, long Size, long Blocks, uint Links, ulong Inode,
    uint DeviceMajor, uint DeviceMinor, uint SpecialMajor, uint SpecialMinor)
{
    /// <summary>When its content last changed, since 1970.</summary>
    public long ModifiedSeconds { get; init; }

    public long ModifiedNanoseconds { get; init; }

    /// <summary>When anything of it last changed, since 1970: nobody can set this back.</summary>
    public long ChangedSeconds { get; init; }

    public long ChangedNanoseconds { get; init; }

    private const int SymlinkNoFollow = 0x100;
    private const int EmptyPath = 0x1000;
    private const uint BasicStats = 0x7ff;

    /// <summary>The status of a path; null where nothing is there.</summary>
    /// <exception cref="SyscallException">Any error but ENOENT and ENOTDIR.</exception>
    public static FileStatus? TryGet(string path, bool followLinks = true)
    {
        if (LibC.Statx(LibC.AtFdCwd, path, followLinks ? 0 : SymlinkNoFollow, BasicStats, out var raw) == 0)
            return From(raw);
        var errno = LastErrno.Get();
        return errno is Errno.ENOENT or Errno.ENOTDIR ? null : throw new SyscallException("statx", errno, path);
    }

    /// <summary>The status of an open file, one opened with O_PATH too.</summary>
    /// <exception cref="SyscallException">What statx returned.</exception>
    public static FileStatus Get(FileDescriptor file, string name)
    {
        if (LibC.Statx(file.Number, "", EmptyPath, BasicStats, out var raw) != 0)
            throw new SyscallException("statx", LastErrno.Get(), name);
        return From(raw);
    }

    /// <summary>The status of an entry of an open directory, of a symbolic link itself; null where there is none.</summary>
    /// <exception cref="SyscallException">Any error but ENOENT and ENOTDIR.</exception>
    public static FileStatus? TryGet(FileDescriptor parent, ReadOnlySpan<byte> name, string subject)
    {
        Span<byte> space = stackalloc byte[EntryName.StackSize];
        if (LibC.Statx(parent.Number, EntryName.Terminate(name, space), SymlinkNoFollow, BasicStats, out var raw) == 0)
            return From(raw);
        var errno = LastErrno.Get();
        return errno is Errno.ENOENT or Errno.ENOTDIR ? null : throw new SyscallException("statx", errno, subject);
    }

    private static FileStatus From(in LibC.StatxBuffer raw) => new(
        (FileKind)(raw.Mode >> 12), (uint)(raw.Mode & 0xFFF), raw.Uid, raw.Gid, (long)raw.Size, (long)raw.Blocks,
        raw.Links, raw.Inode, raw.DeviceMajor, raw.DeviceMinor, raw.SpecialMajor, raw.SpecialMinor)
    {
        ModifiedSeconds = raw.ModifiedSeconds,
        ModifiedNanoseconds = raw.ModifiedNanoseconds,
        ChangedSeconds = raw.ChangedSeconds,
        ChangedNanoseconds = raw.ChangedNanoseconds,
    };
}
