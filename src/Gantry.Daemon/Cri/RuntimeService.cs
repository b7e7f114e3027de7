using Gantry.Containers;
using Gantry.Cri.Translation;
using Gantry.Pods;

namespace Gantry.Cri;

/// <summary>
/// The CRI's RuntimeService: each call parses its message, asks the engine, and says what came of it. Calls that are not
/// overridden in these files answer UNIMPLEMENTED by their name.
/// </summary>
public sealed partial class RuntimeService(Composition node, ILogger log) : Api.RuntimeService.RuntimeServiceBase
{
    private readonly EncodedEntries<PodRecord, Api.ListPodSandboxResponse> _podEntries =
        new(pod => pod.Spec.IsLocal ? null : StatusToCri.PodEntry(pod));

    private readonly EncodedEntries<ContainerRecord, Api.ListContainersResponse> _containerEntries =
        new(container => node.IsLocal(container) ? null : StatusToCri.ContainerEntry(container));
}
