using Gantry.Concurrency;
using Gantry.Events;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Persistence;
using Microsoft.Extensions.Logging;

namespace Gantry.Containers;

/// <summary>
/// Starts a created container. A start that fails leaves the container Exited with code 128 and reason StartError, so that
/// its status tells why.
/// </summary>
public sealed class ContainerStarter(
    ContainerStore containers, RuntimeHandlers runtimes, ContainerLeftovers leftovers, KeyedLock<ContainerId> locks, EventStream events,
    TimeProvider time, ILogger log)
{
    /// <exception cref="NotFoundException">There is no such container.</exception>
    /// <exception cref="WrongStateException">It was started before.</exception>
    /// <exception cref="ToolFailedException">The OCI runtime could not start it.</exception>
    /// <exception cref="UnavailableException">Too many runtimes run: it is Created as before.</exception>
    public async Task StartAsync(string idOrPrefix, CancellationToken cancel)
    {
        var id = containers.Get(idOrPrefix).Id;
        using var held = await locks.EnterAsync(id, cancel);
        var record = containers.Get(id.Value);
        if (record.State is not ContainerState.Created)
            throw new WrongStateException($"container {id.Short} is {record.State}, only a Created one can be started");
        // Before the start, so that a process that ends at once has not ended before it was started.
        var startedAt = time.Nanoseconds();
        try
        {
            // Not the caller's token: a start half done is neither started nor created.
            await runtimes.Get(record.Handler).StartAsync(id, CancellationToken.None);
        }
        catch (Exception e) when (e is not UnavailableException)
        {
            await FailAsync(record, e);
            throw;
        }
        containers.Update(id, now => now.Started(startedAt));
        log.ContainerStarted(id);
        events.Publish(new NodeEvent(NodeEventKind.Started, record.Pod, id, time.Nanoseconds()));
    }

    private async Task FailAsync(ContainerRecord record, Exception cause)
    {
        log.StartFailed(record.Id, cause);
        var now = time.Nanoseconds();
        var released = await leftovers.TryReleaseAsync(record);
        var end = new ContainerEnd(128, now, false) { Reason = "StartError", Message = cause.Message };
        containers.Update(record.Id, before => (before with { StartedAt = now }).Exited(end) with { Released = released });
        events.Publish(new NodeEvent(NodeEventKind.Stopped, record.Pod, record.Id, now));
    }
}
