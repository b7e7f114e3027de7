using Gantry.Linux.Descriptors;
using Microsoft.Win32.SafeHandles;

namespace Gantry.Cli.Output;

/// <summary>The process's standard output and error as streams of bytes.</summary>
internal static class OutputStreams
{
    /// <summary>
    /// A pipe is opened as a file, because Console's stream hides a reader that has gone and `gantry logs -f | head` would
    /// follow for ever; a terminal too, because Console would put its keys into another mode, and leave them so. Anything else
    /// is opened as Console does it, because a file stream keeps its own position in a shared file.
    /// </summary>
    public static Stream Open(int descriptor)
    {
        var isTerminal = descriptor == 1 ? !Console.IsOutputRedirected : !Console.IsErrorRedirected;
        if (isTerminal || IsPipe(descriptor))
            return new FileStream(new SafeFileHandle(descriptor, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        return descriptor == 1 ? Console.OpenStandardOutput() : Console.OpenStandardError();
    }

    /// <summary>Of the terminal that standard output is; 80 where it does not know.</summary>
    public static int Columns()
    {
        using var output = FileDescriptor.Duplicate(1);
        return Terminal.TryGetSize(output)?.Columns ?? 80;
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
