using System.Text.Json;
using Gantry.Faults;
using Gantry.Linux.Processes;
using Gantry.Oci;
using Gantry.Oci.Spec;
using Gantry.Persistence;

namespace Gantry.Containers;

/// <summary>Runs commands in running containers.</summary>
public sealed class ContainerExecutor(ContainerStore containers, RuntimeHandlers runtimes, NodePaths paths)
{
    /// <summary>Below the 16 MiB that a kubelet takes as one answer.</summary>
    private const int OutputLimit = (16 << 20) - (64 << 10);

    /// <summary>Runs a command to its end and returns what it wrote.</summary>
    /// <param name="idOrPrefix">The container.</param>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="timeout">Null for none.</param>
    /// <param name="cancel">The caller; the command is ended when it leaves.</param>
    /// <exception cref="NotFoundException">There is no such container.</exception>
    /// <exception cref="WrongStateException">It does not run.</exception>
    /// <exception cref="TimedOutException">The command did not end in time, and was killed with what it had started.</exception>
    public async Task<ExecResult> ExecSyncAsync(string idOrPrefix, IReadOnlyList<string> command, TimeSpan? timeout, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        if (timeout is { } given)
            limit.CancelAfter(given);
        try
        {
            await using var process = await StartAsync(idOrPrefix, command, hasInput: false, terminal: false, limit.Token);
            return await CollectAsync(process, limit.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new TimedOutException(
                $"exec in container {ShortOf(idOrPrefix)}: {command[0]} did not end within {timeout!.Value.TotalSeconds:0.###} s, and was killed");
        }
    }

    /// <summary>Starts a command.</summary>
    /// <param name="idOrPrefix">The container.</param>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="hasInput">Whether it gets an input; /dev/null otherwise.</param>
    /// <param name="terminal">Whether it gets a terminal.</param>
    /// <param name="cancel">The caller; ends the start alone.</param>
    /// <exception cref="NotFoundException">There is no such container.</exception>
    /// <exception cref="WrongStateException">It does not run.</exception>
    public Task<RunningProcess> StartAsync(string idOrPrefix, IReadOnlyList<string> command, bool hasInput, bool terminal, CancellationToken cancel)
    {
        var record = GetRunning(idOrPrefix);
        if (command.Count == 0 || command[0].Length == 0)
            throw new InvalidRequestException($"exec in container {record.Id.Short}: no command was given");
        var process = SpecBuilding.SpecBuilder.BuildExec(record, ReadSpec(record), command, terminal);
        return runtimes.Get(record.Handler).StartProcessAsync(record.Id, process, hasInput, paths.ContainerState(record.Id), cancel);
    }

    /// <summary>The container, if commands can be run in it.</summary>
    /// <exception cref="NotFoundException">There is no such container.</exception>
    /// <exception cref="WrongStateException">It does not run.</exception>
    public ContainerRecord GetRunning(string idOrPrefix)
    {
        var record = containers.Get(idOrPrefix);
        return record.State is ContainerState.Running
            ? record
            : throw new WrongStateException($"container {record.Id.Short} is {record.State}: commands run in a Running one only");
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

    private static async Task<ExecResult> CollectAsync(RunningProcess process, CancellationToken cancel)
    {
        var budget = new OutputBudget(OutputLimit);
        using var ended = new CancellationTokenSource();
        var output = OutputCollector.CollectAsync(process.Output.File.Move(), budget, ended.Token);
        var error = OutputCollector.CollectAsync(process.ErrorOutput!.File.Move(), budget, ended.Token);
        try
        {
            var code = await process.WaitAsync(cancel);
            await ended.CancelAsync();
            return new ExecResult(code, await output, await error);
        }
        catch (OperationCanceledException)
        {
            await process.KillAsync();
            await ended.CancelAsync();
            await Task.WhenAll(output, error);
            throw;
        }
    }

    private static string ShortOf(string id) => id.Length > 12 ? id[..12] : id;
}
