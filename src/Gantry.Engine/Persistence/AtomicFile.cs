using System.Text;
using Gantry.Linux.Files;

namespace Gantry.Persistence;

/// <summary>
/// The one writer of files that are read again after a crash: written aside, then renamed, so that a reader sees the old
/// content or the new one. Not flushed to disk: a record that a power cut tore is set aside at recovery.
/// </summary>
public static class AtomicFile
{
    /// <summary>Replaces the file, whose directory exists, with <paramref name="content"/>.</summary>
    /// <param name="mode">Permissions of the new file.</param>
    /// <exception cref="IOException">The file system refused; the old file is untouched, and nothing is left beside it.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        var aside = $"{path}.{Environment.CurrentManagedThreadId}.new";
        try
        {
            // A file of that name is an earlier daemon's, of another mode perhaps. No room is reserved ahead: where there is none,
            // .NET then throws an exception that does not tell a full disk from other trouble.
            File.Delete(aside);
            using (var handle = File.OpenHandle(aside, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                RandomAccess.Write(handle, content, 0);
                File.SetUnixFileMode(handle, mode);
            }
            File.Move(aside, path, overwrite: true);
        }
        catch
        {
            TryDelete(aside);
            throw;
        }
    }

    /// <inheritdoc cref="Write(string, ReadOnlySpan{byte}, UnixFileMode)"/>
    public static void Write(string path, string content, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite) =>
        Write(path, Encoding.UTF8.GetBytes(content), mode);

    /// <summary>
    /// As <see cref="Write(string, ReadOnlySpan{byte}, UnixFileMode)"/>, and the content is on the disk before the rename:
    /// a power cut leaves the old file or the new one, never an empty one. The rename itself may still be lost by it.
    /// </summary>
    /// <exception cref="IOException">The file system refused; the old file is untouched.</exception>
    /// <exception cref="Linux.SyscallException">It could not be flushed; the old file is untouched.</exception>
    public static void WriteFlushed(string path, ReadOnlySpan<byte> content)
    {
        var aside = $"{path}.{Environment.CurrentManagedThreadId}.new";
        try
        {
            File.Delete(aside);
            using (var handle = File.OpenHandle(aside, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                RandomAccess.Write(handle, content, 0);
                File.SetUnixFileMode(handle, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }
            using (var file = RegularFile.Open(aside, 0))
                RegularFile.Flush(file, aside);
            File.Move(aside, path, overwrite: true);
        }
        catch
        {
            TryDelete(aside);
            throw;
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (IOException)
        {
            // The first failure is the one to report; recovery removes files named *.new.
        }
    }
}
