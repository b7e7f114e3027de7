using Gantry.Containers;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Linux;
using Gantry.Linux.Mounts;
using Gantry.Monitoring;
using Gantry.Persistence;
using Gantry.Pods;
using Microsoft.Extensions.Logging;

namespace Gantry.Recovery;

/// <summary>The stores that recovery fills.</summary>
public sealed record RecoveredStores(PodStore Pods, ContainerStore Containers);

/// <summary>What recovery gives leftovers back with.</summary>
public sealed record RecoveredLeftovers(PodLeftovers Pods, ContainerLeftovers Containers);

/// <summary>
/// Turns what an earlier daemon left (records, exit files, live monitors, pinned namespaces) into the same facts that the
/// live daemon knows, and gives back what belongs to nothing. Nothing is answered before it is done.
/// </summary>
public sealed class NodeRecovery(
    NodePaths paths, RecoveredStores stores, RecoveredLeftovers leftovers, IMonitors monitors, ContainerExits exits, TimeProvider time, ILogger log)
{
    private readonly string _bootId = NodeClock.ReadBootId();

    public async Task RunAsync(CancellationToken cancel)
    {
        var began = time.GetTimestamp();
        Trash.Empty(paths);
        var brokenPods = stores.Pods.Load();
        var brokenContainers = stores.Containers.Load();
        foreach (var record in stores.Containers.All)
            await RecoverAsync(record, cancel);
        var mountPoints = MountTable.Read().Select(entry => entry.MountPoint).ToHashSet();
        foreach (var record in stores.Pods.All)
            await RecoverAsync(record, mountPoints, cancel);
        foreach (var name in Orphans(brokenContainers, paths.StateContainers, id => stores.Containers.TryGet(ContainerId.Parse(id)) is not null || IsPodInit(id)))
            await CleanContainerAsync(name);
        foreach (var name in Orphans(brokenPods, paths.StatePods, id => stores.Pods.TryGet(PodId.Parse(id)) is not null))
            await CleanPodAsync(name);
        log.Recovered(
            stores.Pods.Count, stores.Pods.All.Count(pod => pod.State is PodState.Ready), stores.Containers.Count,
            stores.Containers.All.Count(container => container.State is ContainerState.Running), time.GetElapsedTime(began));
    }

    private async Task RecoverAsync(ContainerRecord record, CancellationToken cancel)
    {
        if (record.State is ContainerState.Exited)
        {
            if (!record.Released && await leftovers.Containers.TryReleaseAsync(record))
                stores.Containers.Update(record.Id, now => now with { Released = true });
            return;
        }
        if (record.BootId == _bootId && await monitors.ReconnectAsync(record.Id, cancel))
        {
            // A daemon that was killed between the runtime's start and its record: the process runs all the same.
            if (record.State is ContainerState.Created && await HasStartedAsync(record, cancel))
                stores.Containers.Update(record.Id, now => now.Started(time.Nanoseconds()));
            return;
        }
        if (File.Exists(paths.ContainerExit(record.Id)))
            return; // Its exit record is on the one road up, with the true code and time.
        log.MonitorLost(record.Id);
        await exits.ApplyAsync(record.Id, new ContainerEnd(255, time.Nanoseconds(), false) { Reason = "Unknown", Message = Loss(record) }, cancel);
    }

    private string Loss(ContainerRecord record) => record.BootId == _bootId
        ? "its monitor was killed, and how it ended is not known"
        : "the node was restarted";

    private async Task<bool> HasStartedAsync(ContainerRecord record, CancellationToken cancel)
    {
        try
        {
            return await leftovers.Containers.IsRunningAsync(record, cancel);
        }
        catch (GantryException)
        {
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

    private bool IsPodInit(string id) => stores.Pods.TryGet(PodId.Parse(id)) is not null;

    /// <summary>The broken objects, and those that only the state directory knows of; names that are no ids are not ours.</summary>
    private static IEnumerable<string> Orphans(IReadOnlyList<string> broken, string stateFolder, Func<string, bool> isKnown)
    {
        var state = Directory.Exists(stateFolder) ? Directory.EnumerateDirectories(stateFolder).Select(path => Path.GetFileName(path)!) : [];
        return broken.Concat(state).Distinct().Where(name => name.Length == 64 && name.All(char.IsAsciiHexDigitLower) && !isKnown(name));
    }

    private async Task CleanContainerAsync(string name)
    {
        log.Orphan("container", name);
        var id = ContainerId.Parse(name);
        try
        {
            await leftovers.Containers.ReleaseUnknownAsync(id);
            await monitors.StopAsync(id);
            leftovers.Containers.Delete(id);
        }
        catch (Exception e) when (e is GantryException or IOException or SyscallException)
        {
            log.CleanupFailed("container", name, e);
        }
    }

    private async Task CleanPodAsync(string name)
    {
        log.Orphan("pod", name);
        var id = PodId.Parse(name);
        try
        {
            await leftovers.Pods.ReleaseUnknownAsync(id);
        }
        catch (Exception e) when (e is GantryException or IOException or SyscallException)
        {
            log.CleanupFailed("pod", name, e);
        }
    }
}
