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

    /// <summary>Records an end; a container that has ended already, or is gone, stays as it is.</summary>
    public async Task ApplyAsync(ContainerId id, ContainerEnd end, CancellationToken cancel)
    {
        // StartContainer holds the lock until the start is recorded: an exit is never recorded before it.
        using var held = await locks.EnterAsync(id, cancel);
        if (containers.TryGet(id) is not { } before || before.State is ContainerState.Exited)
            return;
        var released = await leftovers.TryReleaseAsync(before);
        if (containers.Update(id, record => record.Exited(end) with { Released = released }) is { } after)
        {
            log.ContainerExited(after.Id, end.Code, end.Reason, TimeSpan.FromTicks((end.FinishedAt - after.StartedAt) / 100));
            events.Publish(new NodeEvent(NodeEventKind.Stopped, after.Pod, id, time.Nanoseconds()));
        }
    }

    private async Task ApplyOneAsync(ContainerExit exit, Func<ContainerExit, Task> unknown, CancellationToken cancel)
    {
        try
        {
            if (containers.TryGet(exit.Id) is null)
                await unknown(exit);
            else
                await ApplyAsync(exit.Id, new ContainerEnd(exit.Code, exit.FinishedAtNanos, exit.OomKilled), cancel);
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
}
