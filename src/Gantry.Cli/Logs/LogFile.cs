using Microsoft.Win32.SafeHandles;

namespace Gantry.Cli.Logs;

/// <summary>
/// A log file that is open while it is written, and may be rotated: renamed, with a new one under its name (the kubelet's way),
/// or cut to nothing (logrotate's copytruncate).
/// </summary>
internal sealed class LogFile : IDisposable
{
    private readonly FileStream _stream;
    private readonly string _openedAs;

    private LogFile(FileStream stream, string path)
    {
        _stream = stream;
        Path = path;
        Lines = new LineReader(stream);
        _openedAs = OwnName();
    }

    public string Path { get; }

    public LineReader Lines { get; }

    /// <exception cref="CommandException">The file cannot be opened.</exception>
    public static LogFile Open(string path)
    {
        try
        {
            return new LogFile(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0), path);
        }
        catch (UnauthorizedAccessException failure)
        {
            throw CommandException.Failed($"log {path}: permission denied; logs belong to root: run gantry with sudo.", failure);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            throw CommandException.Failed($"log {path}: no such file on this machine; the runtime has written nothing yet, or it was removed.", failure);
        }
    }

    /// <summary>
    /// The file under the name, if that is another one by now; null if not. The kernel tells the present name of an open file in
    /// /proc, so a rename shows without asking for inodes.
    /// </summary>
    public LogFile? Successor() => OwnName() != _openedAs && File.Exists(Path) ? Open(Path) : null;

    /// <summary>Starts again at the top if the file has become shorter than what was read of it.</summary>
    public void RewindIfCut()
    {
        if (_stream.Length < Lines.Position)
            Lines.Seek(0);
    }

    public void Dispose() => _stream.Dispose();

    private string OwnName() => Target(_stream.SafeFileHandle);

    private static string Target(SafeFileHandle handle) =>
        new FileInfo($"/proc/self/fd/{handle.DangerousGetHandle()}").LinkTarget ?? "";
}
