namespace Gantry.Linux.Processes;

/// <summary>The working directory: the whole process's, but on a thread with a mount namespace of its own, whose directory is its own too (unshare(2), CLONE_FS).</summary>
public static class WorkingDirectory
{
    /// <exception cref="SyscallException">It is missing or no directory.</exception>
    public static void Change(string path)
    {
        if (LibC.ChangeDirectory(path) != 0)
            throw new SyscallException("chdir", LastErrno.Get(), path);
    }
}
