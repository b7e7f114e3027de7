using Gantry.Linux.Descriptors;

namespace Gantry.Linux.Files;

/// <summary>What a daemon does once, before it has other threads that care.</summary>
public static class StartupLocks
{
    /// <summary>Sets the process's file mode creation mask, and returns the old one.</summary>
    public static uint SetUmask(uint mask) => LibC.Umask(mask);

    /// <summary>Locks a file for this process's life (flock(2)); null where another process holds it.</summary>
    /// <exception cref="SyscallException">The file cannot be made.</exception>
    public static FileDescriptor? TryLock(string path)
    {
        const int ExclusiveNonBlocking = 2 | 4;
        var file = RegularFile.Open(path, LibC.OReadWrite | LibC.OCreate, 0b110_000_000);
        if (LibC.FileLock(file.Number, ExclusiveNonBlocking) == 0)
            return file;
        file.Dispose();
        return null;
    }
}
