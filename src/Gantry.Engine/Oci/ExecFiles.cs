using System.Globalization;
using System.Text.Json;
using Gantry.Linux.Processes;
using Gantry.Oci.Spec;
using Gantry.Persistence;

namespace Gantry.Oci;

/// <summary>The files by which an exec talks with its OCI runtime: the process's specification, its pid, the runtime's log.</summary>
internal sealed class ExecFiles : IDisposable
{
    private readonly string _name;

    public ExecFiles(string folder, OciProcess process)
    {
        _name = Path.Combine(folder, $"exec-{Guid.NewGuid():N}");
        AtomicFile.Write(Process, JsonSerializer.SerializeToUtf8Bytes(process, OciJson.Default.OciProcess));
    }

    public string Process => _name + ".json";

    public string Pid => _name + ".pid";

    public string Log => _name + ".log";

    /// <summary>The pid that the runtime wrote; null where it has not come so far.</summary>
    public int? ReadPid()
    {
        try
        {
            return int.TryParse(File.ReadAllText(Pid), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && pid > 1 ? pid : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Kills what was started, for a start that was given up half-way.</summary>
    public void KillStarted()
    {
        if (ReadPid() is { } pid)
            ProcessTree.Kill(pid);
    }

    public void Dispose()
    {
        File.Delete(Process);
        File.Delete(Pid);
        File.Delete(Log);
    }
}
