namespace Gantry.Linux.Files;

/// <summary>How full a file system is (statfs(2)).</summary>
/// <param name="TotalBytes">Its size.</param>
/// <param name="AvailableBytes">What a user without privileges may still write.</param>
/// <param name="TotalInodes">0 where the file system has no fixed number of them.</param>
/// <param name="FreeInodes">Files that can still be made.</param>
public sealed record DiskSpace(long TotalBytes, long AvailableBytes, long TotalInodes, long FreeInodes)
{
    /// <summary>That of the file system that holds <paramref name="path"/>.</summary>
    /// <exception cref="SyscallException">What statfs returned.</exception>
    public static DiskSpace Of(string path)
    {
        if (LibC.StatFileSystem(path, out var raw) != 0)
            throw new SyscallException("statfs", LastErrno.Get(), path);
        return new DiskSpace((long)raw.Blocks * raw.BlockSize, (long)raw.AvailableBlocks * raw.BlockSize, (long)raw.Files, (long)raw.FreeFiles);
    }

    /// <summary>Writes everything of the file system that holds <paramref name="directory"/> to the disk (syncfs(2)).</summary>
    /// <exception cref="SyscallException">A write failed, now or since the last call: what was written may be lost.</exception>
    public static void Flush(string directory)
    {
        using var open = RegularFile.OpenDirectory(directory);
        if (LibC.SyncFileSystem(open.Number) != 0)
            throw new SyscallException("syncfs", LastErrno.Get(), directory);
    }
}
