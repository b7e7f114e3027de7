using Gantry.Concurrency;
using Gantry.Events;
using Gantry.Identity;
using Gantry.Monitoring;
using Gantry.Persistence;
using Microsoft.Extensions.Logging;

namespace Gantry.Containers;

/// <summary>
/// The one road by which a container's end becomes known, live and after a restart alike: exit record, store, event.
/// </summary>
public sealed class ContainerExits(
    ContainerStore containers, ContainerLeftovers leftovers, KeyedLock<ContainerId> locks, EventStream events, TimeProvider time, ILogger log)
{
    /// <summary>Applies every exit that the monitors tell of, until the token ends.</summary>
    /// <param name="monitors">Where the facts come from.</param>
    /// <param name="unknown">Told of exits of processes that are no container: a pod's init process.</param>
    /// <param name="cancel">Ends the loop.</param>
    public async Task RunAsync(IMonitors monitors, Func<ContainerExit, Task> unknown, CancellationToken cancel)
    {
        await foreach (var exit in monitors.Exits.ReadAllAsync(cancel))
        {
            // Not awaited: the release of one container must not delay the news of another.
            _ = ApplyOneAsync(exit, unknown, cancel);
        }
    }

    /// <summary>Records an end, then gives back what the container held; one that has ended already, or is gone, stays as it is.</summary>
    public async Task ApplyAsync(ContainerId id, ContainerEnd end, CancellationToken cancel)
    {
        // StartContainer holds the lock until the start is recorded: an exit is never recorded before it.
        using var held = await locks.EnterAsync(id, cancel);
        if (Record(id, end) is { } after)
            await ReleaseAsync(after);
    }

    /// <summary>Gives back what a container that has ended still holds; for recovery, which has recorded the end before.</summary>
    public async Task ReleaseAsync(ContainerId id, CancellationToken cancel)
    {
        using var held = await locks.EnterAsync(id, cancel);
        if (containers.TryGet(id) is { State: ContainerState.Exited, Released: false } record)
            await ReleaseAsync(record);
    }

    /// <summary>Records an end, and nothing more: a daemon that dies right after it must know it. Under the container's lock, or before there are other users.</summary>
    /// <returns>The ended container; null where there was nothing to record.</returns>
    internal ContainerRecord? Record(ContainerId id, ContainerEnd end)
    {
        if (containers.TryGet(id) is not { State: not ContainerState.Exited } before)
            return null;
        // Nobody saw its process end, so it may live.
        if (end.Reason == ContainerEnd.Unknown)
            leftovers.Kill(before);
        if (containers.Update(id, record => record.Exited(end)) is not { } after)
            return null;
        log.ContainerExited(after.Id, end.Code, end.Reason, after.StartedAt == 0 ? TimeSpan.Zero : TimeSpan.FromTicks((end.FinishedAt - after.StartedAt) / 100));
        events.Publish(new NodeEvent(NodeEventKind.Stopped, after.Pod, id, time.Nanoseconds()));
        return after;
    }

    private async Task ReleaseAsync(ContainerRecord record)
    {
        if (await leftovers.TryReleaseAsync(record))
            containers.Update(record.Id, now => now with { Released = true });
    }

    private async Task ApplyOneAsync(ContainerExit exit, Func<ContainerExit, Task> unknown, CancellationToken cancel)
    {
        try
        {
            if (containers.TryGet(exit.Id) is null)
                await unknown(exit);
            else
                await ApplyAsync(exit.Id, EndOf(exit), cancel);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // The daemon stops; the exit record is read at the next start.
        }
        catch (Exception e)
        {
            log.ExitNotApplied(exit.Id, e);
        }
    }

    /// <summary>The end that a monitor tells of, or that of a container whose monitor is lost.</summary>
    internal static ContainerEnd EndOf(ContainerExit exit) => exit.IsLost
        ? new ContainerEnd(exit.Code, exit.FinishedAtNanos, false) { Reason = ContainerEnd.Unknown, Message = "its monitor was killed, and how it ended is not known" }
        : new ContainerEnd(exit.Code, exit.FinishedAtNanos, exit.OomKilled);
}
