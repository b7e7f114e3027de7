using Gantry.Concurrency;
using Gantry.Containers;
using Gantry.Faults;
using Gantry.Identity;

namespace Gantry.Pods;

/// <summary>Makes containers in ready pods, and hands down what the pod lends. A stop of the pod ends creations under way.</summary>
public sealed class PodContainers(PodStore pods, ContainerStore containers, ContainerCreator creator, PodPlaces places, PodGate gate)
{
    private readonly SharedOperations<(PodId Pod, string Name, uint Attempt), ContainerId> _creations = new();

    /// <summary>
    /// Creates the container and returns its id. The same metadata again joins the creation under way, or finds the
    /// container that it made; the caller's token ends only its wait.
    /// </summary>
    /// <exception cref="NotFoundException">The pod or the image does not exist.</exception>
    /// <exception cref="WrongStateException">The pod is not ready.</exception>
    public Task<ContainerId> CreateAsync(string podIdOrPrefix, ContainerSpec spec, CancellationToken cancel)
    {
        var pod = pods.Get(podIdOrPrefix).Id;
        return _creations.JoinAsync((pod, spec.Name, spec.Attempt), () => CreateAsync(pod, spec), cancel);
    }

    private async Task<ContainerId> CreateAsync(PodId pod, ContainerSpec spec)
    {
        if (containers.Of(pod).FirstOrDefault(record => record.Spec.Name == spec.Name && record.Spec.Attempt == spec.Attempt) is { } existing)
        {
            return existing.State is ContainerState.Created
                ? existing.Id
                : throw new AlreadyExistsException(
                    $"container {spec.Name} (attempt {spec.Attempt}) of pod {pod.Short} exists as {existing.Id.Short} and is {existing.State}: "
                    + "remove it, or use the next attempt");
        }
        using var creation = gate.EnterCreation(pod);
        var record = pods.Get(pod.Value);
        if (record.State is not PodState.Ready)
            throw new WrongStateException($"pod {pod.Short} is {record.State}: containers can be made in a ready one only");
        try
        {
            return await creator.CreateAsync(spec, places.Of(record, spec), creation.GiveUp);
        }
        catch (OperationCanceledException e) when (creation.GiveUp.IsCancellationRequested)
        {
            throw new WrongStateException($"pod {pod.Short} was stopped while container {spec.Name} was being made", e);
        }
    }
}
