using Gantry.Containers;
using Gantry.Events;
using Gantry.Identity;
using Gantry.Persistence;
using Microsoft.Extensions.Logging;

namespace Gantry.Pods;

/// <summary>Removes pods with their containers, stopping them first where they run.</summary>
public sealed class PodRemover(
    PodStore pods, ContainerStore containers, PodStopper stopper, ContainerRemover remover, PodLeftovers leftovers, EventStream events,
    TimeProvider time, ILogger log)
{
    /// <summary>Removes the pod; one that does not exist is fine.</summary>
    public Task RemoveAsync(string idOrPrefix, CancellationToken cancel) =>
        pods.TryFind(idOrPrefix) is { } record ? RemoveAsync(record.Id, cancel) : Task.CompletedTask;

    /// <inheritdoc cref="RemoveAsync(string, CancellationToken)"/>
    public async Task RemoveAsync(PodId id, CancellationToken cancel)
    {
        await stopper.StopAsync(id, cancel);
        await Task.WhenAll(containers.Of(id).Select(container => remover.RemoveAsync(container.Id, cancel)));
        if (pods.TryGet(id) is not { } record)
            return;
        leftovers.Delete(record);
        pods.Remove(id);
        log.PodRemoved(id, PodKey.Of(record.Spec));
        events.Publish(new NodeEvent(NodeEventKind.Deleted, id, null, time.Nanoseconds()));
    }
}
