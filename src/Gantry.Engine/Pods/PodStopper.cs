using Gantry.Containers;
using Gantry.Events;
using Gantry.Identity;
using Gantry.Persistence;
using Microsoft.Extensions.Logging;

namespace Gantry.Pods;

/// <summary>Stops pods: their containers at once, then their network and namespaces. Idempotent after any failure.</summary>
public sealed class PodStopper(
    PodStore pods, ContainerStore containers, ContainerStopper stopper, PodLeftovers leftovers, PodGate gate, EventStream events,
    TimeProvider time, ILogger log)
{
    /// <summary>Stops the pod; one that does not exist, or has stopped, is fine.</summary>
    public Task StopAsync(string idOrPrefix, CancellationToken cancel) =>
        pods.TryFind(idOrPrefix) is { } record ? StopAsync(record.Id, cancel) : Task.CompletedTask;

    /// <inheritdoc cref="StopAsync(string, CancellationToken)"/>
    public async Task StopAsync(PodId id, CancellationToken cancel)
    {
        // The gate keeps a container from being made in the pod meanwhile.
        using var held = await gate.EnterStopAsync(id, cancel);
        if (pods.TryGet(id) is not { } record)
            return;
        if (record is { State: PodState.NotReady, NetworkDetached: true })
            return;
        var wasReady = record.State is PodState.Ready;
        pods.Update(id, now => now.Stopped());
        await Task.WhenAll(containers.Of(id).Select(container => stopper.StopAndSettleAsync(container.Id, TimeSpan.Zero, cancel)));
        await leftovers.ReleaseAsync(record);
        pods.Update(id, now => now with { NetworkDetached = true, InitPid = 0 });
        if (!wasReady)
            return;
        log.PodStopped(id, PodKey.Of(record.Spec));
        events.Publish(new NodeEvent(NodeEventKind.Stopped, id, null, time.Nanoseconds()));
    }
}
