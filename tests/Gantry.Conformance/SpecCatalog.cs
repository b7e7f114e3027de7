using Gantry.Conformance.Specs;

namespace Gantry.Conformance;

/// <summary>Every spec, by area.</summary>
public static class SpecCatalog
{
    public static IReadOnlyList<Spec> All { get; } =
    [
        .. RuntimeSpecs.All,
        .. PodSpecs.All,
        .. PodNetworkSpecs.All,
        .. ContainerSpecs.All,
        .. ContainerProcessSpecs.All,
        .. ContainerStopSpecs.All,
        .. ContainerListSpecs.All,
        .. MountSpecs.All,
        .. ResourceSpecs.All,
        .. SecuritySpecs.All,
        .. AppArmorSpecs.All,
        .. SelinuxSpecs.All,
        .. UserSpecs.All,
        .. UserNamespaceSpecs.All,
        .. VolumeSpecs.All,
        .. LogSpecs.All,
        .. ExecSpecs.All,
        .. StreamingAddressSpecs.All,
        .. StreamingExecSpecs.All,
        .. StreamingAttachSpecs.All,
        .. PortForwardSpecs.All,
        .. StatisticsSpecs.All,
        .. PodStatisticsSpecs.All,
        .. MetricSpecs.All,
        .. EventSpecs.All,
        .. StreamListSpecs.All,
        .. ImageSpecs.All,
        .. BadRequestSpecs.All,
    ];

    /// <exception cref="KeyNotFoundException">There is none of that id.</exception>
    public static Spec Get(string id) => All.FirstOrDefault(spec => spec.Id == id) ?? throw new KeyNotFoundException($"no spec is named '{id}'");
}
