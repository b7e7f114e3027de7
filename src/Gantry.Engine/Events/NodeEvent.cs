using Gantry.Identity;

namespace Gantry.Events;

public enum NodeEventKind
{
    Created,
    Started,
    Stopped,
    Deleted,
}

/// <summary>Something that happened to a pod, or to a container of it.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Pod">The pod.</param>
/// <param name="Container">The container; null where it happened to the pod itself.</param>
/// <param name="At">Nanoseconds since the epoch.</param>
public sealed record NodeEvent(NodeEventKind Kind, PodId Pod, ContainerId? Container, long At);
