using Gantry.Concurrency;
using Gantry.Events;
using Gantry.Identity;
using Gantry.Monitoring;
using Gantry.Persistence;
using Microsoft.Extensions.Logging;

namespace Gantry.Containers;

/// <summary>Removes containers with everything that is theirs but the log, which is the kubelet's to collect.</summary>
public sealed class ContainerRemover(
    ContainerStore containers, ContainerStopper stopper, ContainerLeftovers leftovers, IMonitors monitors, KeyedLock<ContainerId> locks,
    EventStream events, TimeProvider time, ILogger log)
{
    /// <summary>Removes the container, ending it first if it runs; one that does not exist is fine.</summary>
    public Task RemoveAsync(string idOrPrefix, CancellationToken cancel) =>
        containers.TryFind(idOrPrefix) is { } record ? RemoveAsync(record.Id, cancel) : Task.CompletedTask;

    /// <inheritdoc cref="RemoveAsync(string, CancellationToken)"/>
    public async Task RemoveAsync(ContainerId id, CancellationToken cancel)
    {
        await stopper.StopAsync(id, TimeSpan.Zero, cancel);
        using var held = await locks.EnterAsync(id, cancel);
        if (containers.TryGet(id) is not { } record)
            return;
        if (!record.Released)
            await leftovers.ReleaseAsync(id, record.Handler, record.CgroupPath);
        await monitors.StopAsync(id);
        leftovers.Delete(id);
        containers.Remove(id);
        log.ContainerRemoved(id);
        events.Publish(new NodeEvent(NodeEventKind.Deleted, record.Pod, id, time.Nanoseconds()));
    }
}
