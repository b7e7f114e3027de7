using Gantry.Containers;
using Gantry.Cri.Api;
using Gantry.Events;
using Gantry.Identity;
using Gantry.Pods;

namespace Gantry.Cri.Translation;

/// <summary>
/// The engine's events as one reader of the CRI's is told of them: with the pod's status, without which the kubelet ignores
/// them. It knows pods that are gone by the time their events are told.
/// </summary>
internal sealed class EventToCri
{
    private readonly PodStore _pods;
    private readonly ContainerStore _containers;
    private readonly bool _withLocal;
    private readonly Dictionary<PodId, PodRecord> _known;

    /// <summary>To be made after the subscription: then no pod is removed between the two.</summary>
    /// <param name="withLocal">Tell of local pods too, which a kubelet must not see.</param>
    public EventToCri(PodStore pods, ContainerStore containers, bool withLocal)
    {
        _pods = pods;
        _containers = containers;
        _withLocal = withLocal;
        _known = pods.All.ToDictionary(pod => pod.Id);
    }

    /// <summary>The message; null where it is none of the reader's business: of a local pod, or of one that came and went unseen.</summary>
    public ContainerEventResponse? Translate(NodeEvent happened)
    {
        if (Find(happened) is not { } pod || (pod.Spec.IsLocal && !_withLocal))
            return null;
        var message = new ContainerEventResponse
        {
            ContainerId = happened.Container?.Value ?? happened.Pod.Value,
            ContainerEventType = (ContainerEventType)(int)happened.Kind,
            CreatedAt = happened.At,
            PodSandboxStatus = StatusToCri.PodStatus(pod),
        };
        message.ContainersStatuses.Add(_containers.Of(pod.Id).Select(StatusToCri.ContainerStatus));
        return message;
    }

    private PodRecord? Find(NodeEvent happened)
    {
        var pod = _pods.TryGet(happened.Pod);
        if (pod is null && _known.TryGetValue(happened.Pod, out var last))
            pod = last.Stopped();
        if (happened is { Kind: NodeEventKind.Deleted, Container: null })
            _known.Remove(happened.Pod);
        else if (pod is not null)
            _known[happened.Pod] = pod;
        return pod;
    }
}
