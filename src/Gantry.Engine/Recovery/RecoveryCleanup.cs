using Gantry.Containers;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Monitoring;
using Gantry.Persistence;
using Gantry.Pods;
using Microsoft.Extensions.Logging;

namespace Gantry.Recovery;

/// <summary>What gives back what pods and containers held.</summary>
public sealed record RecoveryTools(
    PodLeftovers PodLeftovers, ContainerLeftovers ContainerLeftovers, PodStopper PodStopper, ContainerRemover ContainerRemover, ContainerExits Exits);

/// <summary>
/// Gives back what an earlier daemon left and nothing needs: what ended containers and lost pods hold, containers whose pod
/// is gone, and directories without a record. It may take as long as a plugin that hangs, so it runs beside the daemon's
/// work, several objects at a time, and tries again what fails.
/// </summary>
public sealed class RecoveryCleanup(NodePaths paths, RecoveredStores stores, RecoveryTools tools, IMonitors monitors, TimeProvider time, ILogger log)
{
    private const int MostAtOnce = 16;
    private static readonly TimeSpan _firstDelay = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _longestDelay = TimeSpan.FromMinutes(5);

    /// <summary>Completes when nothing is left to be cleaned, or the daemon stops; never fails.</summary>
    public Task Rest { get; private set; } = Task.CompletedTask;

    internal ContainerLeftovers Containers => tools.ContainerLeftovers;

    /// <summary>Starts the cleaning; called once, when the stores hold what was found.</summary>
    public void Begin(IReadOnlyList<string> brokenPods, IReadOnlyList<string> brokenContainers, CancellationToken cancel)
    {
        var work = new List<CleaningStep> { new("trash", "", EmptyTrash) };
        foreach (var name in Orphans(brokenContainers, paths.StateContainers, IsKnownContainer))
            work.Add(new CleaningStep("container", name, _ => CleanContainerAsync(ContainerId.Parse(name))));
        foreach (var record in stores.Containers.All)
        {
            if (stores.Pods.TryGet(record.Pod) is null)
                work.Add(new CleaningStep("container", record.Id.Value, token => tools.ContainerRemover.RemoveAsync(record.Id, token)));
            else if (record is { State: ContainerState.Exited, Released: false })
                work.Add(new CleaningStep("ended container", record.Id.Value, token => tools.Exits.ReleaseAsync(record.Id, token)));
        }
        foreach (var record in stores.Pods.All.Where(record => record is { State: PodState.NotReady, NetworkDetached: false }))
            work.Add(new CleaningStep("stopped pod", record.Id.Value, token => tools.PodStopper.StopAsync(record.Id, token)));
        foreach (var name in Orphans(brokenPods, paths.StatePods, id => stores.Pods.TryGet(PodId.Parse(id)) is not null))
            work.Add(new CleaningStep("pod", name, _ => tools.PodLeftovers.ReleaseUnknownAsync(PodId.Parse(name))));
        Rest = RunAsync(work, cancel);
    }

    private async Task RunAsync(List<CleaningStep> work, CancellationToken cancel)
    {
        // Off the caller's stack: deleting takes its time.
        await Task.Yield();
        var delay = _firstDelay;
        try
        {
            while (true)
            {
                var failed = new System.Collections.Concurrent.ConcurrentBag<CleaningStep>();
                var options = new ParallelOptions { MaxDegreeOfParallelism = MostAtOnce, CancellationToken = cancel };
                await Parallel.ForEachAsync(work, options, async (step, token) =>
                {
                    if (!await TryAsync(step, token))
                        failed.Add(step);
                });
                if (failed.IsEmpty)
                    return;
                await Task.Delay(delay, time, cancel);
                delay = delay * 2 < _longestDelay ? delay * 2 : _longestDelay;
                work = [.. failed];
            }
        }
        catch (OperationCanceledException)
        {
            // The daemon stops; the next one goes on.
        }
    }

    private async Task<bool> TryAsync(CleaningStep step, CancellationToken cancel)
    {
        try
        {
            await step.Clean(cancel);
            return true;
        }
        catch (Exception e) when (e is GantryException or IOException or UnauthorizedAccessException)
        {
            log.CleanupFailed(step.Kind, step.Name, e);
            return false;
        }
    }

    private Task EmptyTrash(CancellationToken cancel)
    {
        Trash.Empty(paths);
        return Task.CompletedTask;
    }

    private bool IsKnownContainer(string id) => stores.Containers.TryGet(ContainerId.Parse(id)) is not null || stores.Pods.TryGet(PodId.Parse(id)) is not null;

    /// <summary>The broken objects, and those that only the state directory knows of; names that are no ids are not ours.</summary>
    private List<string> Orphans(IReadOnlyList<string> broken, string stateFolder, Func<string, bool> isKnown)
    {
        var state = Directory.Exists(stateFolder) ? Directory.EnumerateDirectories(stateFolder).Select(path => Path.GetFileName(path)!) : [];
        var orphans = broken.Concat(state).Distinct().Where(name => name.Length == 64 && name.All(char.IsAsciiHexDigitLower) && !isKnown(name)).ToList();
        foreach (var name in orphans)
            log.Orphan(Path.GetFileName(stateFolder), name);
        return orphans;
    }

    private async Task CleanContainerAsync(ContainerId id)
    {
        // First of all: it may be about to create what would be left then.
        monitors.Kill(id);
        await tools.ContainerLeftovers.ReleaseUnknownAsync(id);
        await monitors.StopAsync(id);
        tools.ContainerLeftovers.Delete(id);
    }

    private sealed record CleaningStep(string Kind, string Name, Func<CancellationToken, Task> Clean);
}
