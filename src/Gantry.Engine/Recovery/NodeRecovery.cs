using Gantry.Containers;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Linux.Mounts;
using Gantry.Monitoring;
using Gantry.Persistence;
using Gantry.Pods;
using Microsoft.Extensions.Logging;

namespace Gantry.Recovery;

/// <summary>The stores that recovery fills.</summary>
public sealed record RecoveredStores(PodStore Pods, ContainerStore Containers);

/// <summary>
/// Turns what an earlier daemon left (records, exit files, live monitors, pinned namespaces) into the same facts that the
/// live daemon knows. Nothing is answered before it is done; what belongs to nothing is given back after that.
/// </summary>
public sealed class NodeRecovery(
    NodePaths paths, RecoveredStores stores, IMonitors monitors, ContainerExits exits, RecoveryCleanup cleanup, TimeProvider time, ILogger log)
{
    private const int MostAtOnce = 32;

    /// <summary>For one object: a hung OCI runtime or monitor of one delays the start of all no longer.</summary>
    private static readonly TimeSpan _objectDeadline = TimeSpan.FromSeconds(5);

    /// <summary>How long the start waits for the cleaning, which goes on by itself.</summary>
    private static readonly TimeSpan _cleaningPatience = TimeSpan.FromSeconds(3);

    private readonly string _bootId = NodeClock.ReadBootId();

    /// <param name="cancel">Ends the wait, and the cleaning that goes on after it.</param>
    public async Task RunAsync(CancellationToken cancel)
    {
        var began = time.GetTimestamp();
        var brokenPods = stores.Pods.Load();
        var brokenContainers = stores.Containers.Load();
        var options = new ParallelOptions { MaxDegreeOfParallelism = MostAtOnce, CancellationToken = cancel };
        await Parallel.ForEachAsync(stores.Containers.All, options, async (record, token) => await RecoverAsync(record, token));
        var mountPoints = MountTable.Read().Select(entry => entry.MountPoint).ToHashSet();
        await Parallel.ForEachAsync(stores.Pods.All, options, async (record, token) => await RecoverAsync(record, mountPoints, token));
        cleanup.Begin(brokenPods, brokenContainers, cancel);
        try
        {
            await cleanup.Rest.WaitAsync(_cleaningPatience, time, cancel);
        }
        catch (TimeoutException)
        {
            log.CleaningGoesOn();
        }
        log.Recovered(
            stores.Pods.All.Length, stores.Pods.All.Count(pod => pod.State is PodState.Ready), stores.Containers.All.Length,
            stores.Containers.All.Count(container => container.State is ContainerState.Running), time.GetElapsedTime(began));
    }

    private async Task RecoverAsync(ContainerRecord record, CancellationToken cancel)
    {
        if (record.State is ContainerState.Exited)
            return;
        var isOfThisBoot = record.BootId == _bootId;
        if (isOfThisBoot && await monitors.ReconnectAsync(record.Id, cancel))
        {
            // A daemon that was killed between the runtime's start and its record: the process runs all the same.
            if (record.State is ContainerState.Created && await HasStartedAsync(record, cancel))
                stores.Containers.Update(record.Id, now => now.Started(time.Nanoseconds()));
            return;
        }
        if (isOfThisBoot && monitors.ReadExit(record.Id) is { } exit)
        {
            exits.Record(record.Id, ContainerExits.EndOf(exit));
            return;
        }
        log.MonitorLost(record.Id);
        var loss = isOfThisBoot ? "its monitor was killed, and how it ended is not known" : "the node was restarted";
        exits.Record(record.Id, new ContainerEnd(255, time.Nanoseconds(), false) { Reason = ContainerEnd.Unknown, Message = loss });
    }

    /// <summary>Where the runtime does not answer, the container is taken as Created: starting it then fails, and tells.</summary>
    private async Task<bool> HasStartedAsync(ContainerRecord record, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(_objectDeadline);
        try
        {
            return await cleanup.Containers.IsRunningAsync(record, limit.Token);
        }
        catch (Exception e) when (e is GantryException or OperationCanceledException && !cancel.IsCancellationRequested)
        {
            log.StateUnknown(record.Id, e);
            return false;
        }
    }

    private async Task RecoverAsync(PodRecord record, IReadOnlySet<string> mountPoints, CancellationToken cancel)
    {
        if (record.State is PodState.NotReady)
            return;
        var isWhole = record.BootId == _bootId
            && record.Pinned.All(kind => mountPoints.Contains(paths.PodNamespace(record.Id, kind)))
            && (record.InitPid == 0 || await monitors.ReconnectAsync(ContainerId.Parse(record.Id.Value), cancel));
        if (isWhole)
            return;
        log.PodLost(record.Id);
        stores.Pods.Update(record.Id, now => now.Stopped());
    }
}
