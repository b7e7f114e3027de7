namespace Gantry.Linux.Files;

/// <summary>A path with every symbolic link of it resolved, as realpath(3) does.</summary>
public static class RealPath
{
    /// <exception cref="SyscallException">Nothing is there, or its links go round in a circle.</exception>
    public static string Resolve(string path)
    {
        using var file = RegularFile.Open(path, LibC.OPath);
        return File.ResolveLinkTarget(file.ProcPath, returnFinalTarget: false)?.FullName ?? path;
    }
}
