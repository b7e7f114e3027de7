namespace Gantry.Linux.Processes;

/// <summary>The process's working directory: for a monitor only, since it is the whole process's.</summary>
public static class WorkingDirectory
{
    /// <exception cref="SyscallException">It is missing or no directory.</exception>
    public static void Change(string path)
    {
        if (LibC.ChangeDirectory(path) != 0)
            throw new SyscallException("chdir", LastErrno.Get(), path);
    }
}
