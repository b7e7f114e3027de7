namespace Gantry.Linux.Processes;

/// <summary>What the process holds of the node's memory besides the managed heap.</summary>
public static class NativeMemory
{
    private const int DontNeed = 4;

    /// <summary>Gives free pages of the C library's allocator back to the kernel (malloc_trim(3)).</summary>
    public static void Trim() => _ = LibC.MallocTrim(0);

    /// <summary>
    /// Takes the program's own pages out of the process (madvise(2), MADV_DONTNEED). They stay in the page cache, from which those
    /// that are used again come back by themselves; what only the start needed does not, and is the first that the kernel drops.
    /// </summary>
    public static void ReleaseProgram()
    {
        var program = File.ResolveLinkTarget("/proc/self/exe", returnFinalTarget: false)?.FullName;
        if (program is null)
            return;
        // The program is never unmapped, so that what is listed is still there when it is named to the kernel.
        foreach (var (start, length) in ProgramMappings.Clean(File.ReadLines("/proc/self/smaps"), program).ToList())
            _ = LibC.MemoryAdvise((nint)start, (nuint)length, DontNeed);
    }
}
