using System.Runtime.CompilerServices;
using Gantry.Containers;
using Gantry.Cri.Api;
using Gantry.Pods;

namespace Gantry.Cri.Translation;

/// <summary>
/// The entries of lists, made once for each record: a kubelet lists everything each second, and nearly nothing has changed. They
/// are written to answers and nothing else; a record never changes, and takes its entry with it when it goes.
/// </summary>
internal static class ListEntries
{
    private static readonly ConditionalWeakTable<ContainerRecord, Container> _containers = [];
    private static readonly ConditionalWeakTable<PodRecord, PodSandbox> _pods = [];

    public static Container Of(ContainerRecord container) => _containers.GetValue(container, StatusToCri.ContainerEntry);

    public static PodSandbox Of(PodRecord pod) => _pods.GetValue(pod, StatusToCri.PodEntry);
}
