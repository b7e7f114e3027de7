namespace Gantry.Linux.Processes;

/// <summary>The memory of the C library's allocator.</summary>
public static class NativeMemory
{
    /// <summary>Gives free pages of the allocator back to the kernel (malloc_trim(3)).</summary>
    public static void Trim() => _ = LibC.MallocTrim(0);
}
