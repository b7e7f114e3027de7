using Gantry.Cri.Api;

namespace Gantry.Cri.Metrics;

/// <summary>
/// A metric by its cAdvisor name, and its labels in their one order: the kubelet reads the descriptors once at its start, and
/// drops every sample whose labels are not as many.
/// </summary>
internal sealed class MetricFamily(string name, MetricType kind, string help, params string[] labels)
{
    /// <summary>
    /// What every sample carries, as cAdvisor's do: container and image are empty for a pod's own, id is the cgroup, name is
    /// the object's id.
    /// </summary>
    public static IReadOnlyList<string> SharedLabels { get; } = ["container", "id", "image", "name", "namespace", "pod"];

    public string Name { get; } = name;

    public MetricType Kind { get; } = kind;

    /// <summary>Those that it has besides the shared ones; their values follow the shared ones'.</summary>
    public IReadOnlyList<string> OwnLabels { get; } = labels;

    public MetricDescriptor Describe()
    {
        var descriptor = new MetricDescriptor { Name = Name, Help = help };
        descriptor.LabelKeys.Add(SharedLabels);
        descriptor.LabelKeys.Add(OwnLabels);
        return descriptor;
    }
}
