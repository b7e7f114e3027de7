using Microsoft.Win32.SafeHandles;

namespace Gantry.Cli.Output;

/// <summary>The process's standard output and error as streams of bytes.</summary>
internal static class OutputStreams
{
    /// <summary>
    /// A pipe is opened as a file, because Console's stream hides a reader that has gone and `gantry logs -f | head` would
    /// follow for ever; anything else as Console does it, because a file stream keeps its own position in a shared file.
    /// </summary>
    public static Stream Open(int descriptor)
    {
        if (IsPipe(descriptor))
            return new FileStream(new SafeFileHandle(descriptor, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        return descriptor == 1 ? Console.OpenStandardOutput() : Console.OpenStandardError();
    }

    private static bool IsPipe(int descriptor)
    {
        try
        {
            return new FileInfo($"/proc/self/fd/{descriptor}").LinkTarget?.StartsWith("pipe:", StringComparison.Ordinal) == true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
