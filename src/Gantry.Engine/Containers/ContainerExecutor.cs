using System.Text.Json;
using Gantry.Faults;
using Gantry.Oci;
using Gantry.Oci.Spec;
using Gantry.Persistence;

namespace Gantry.Containers;

/// <summary>Runs commands in running containers.</summary>
public sealed class ContainerExecutor(ContainerStore containers, RuntimeHandlers runtimes, NodePaths paths)
{
    /// <summary>Runs a command to its end and returns what it wrote.</summary>
    /// <param name="idOrPrefix">The container.</param>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="timeout">Null for none.</param>
    /// <param name="cancel">The caller; the command is ended when it leaves.</param>
    /// <exception cref="NotFoundException">There is no such container.</exception>
    /// <exception cref="WrongStateException">It does not run.</exception>
    /// <exception cref="TimedOutException">The command did not end in time, and was killed.</exception>
    public async Task<ExecResult> ExecSyncAsync(string idOrPrefix, IReadOnlyList<string> command, TimeSpan? timeout, CancellationToken cancel)
    {
        var record = containers.Get(idOrPrefix);
        if (record.State is not ContainerState.Running)
            throw new WrongStateException($"container {record.Id.Short} is {record.State}: commands run in a Running one only");
        if (command.Count == 0 || command[0].Length == 0)
            throw new InvalidRequestException($"exec in container {record.Id.Short}: no command was given");
        var process = SpecBuilding.SpecBuilder.BuildExec(record, ReadSpec(record), command, terminal: false);
        return await runtimes.Get(record.Handler).ExecAsync(record.Id, process, timeout, paths.ContainerState(record.Id), cancel);
    }

    /// <summary>The OCI specification that the container was made with.</summary>
    /// <exception cref="WrongStateException">Its bundle is gone.</exception>
    public OciSpec ReadSpec(ContainerRecord record)
    {
        try
        {
            using var file = File.OpenRead(Path.Combine(paths.ContainerBundle(record.Id), "config.json"));
            return JsonSerializer.Deserialize(file, OciJson.Default.OciSpec)
                ?? throw new WrongStateException($"container {record.Id.Short}: its bundle's config.json is empty");
        }
        catch (IOException e)
        {
            throw new WrongStateException($"container {record.Id.Short}: its bundle cannot be read ({e.Message}); restart the container", e);
        }
    }
}
