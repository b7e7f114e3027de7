using Gantry.Cri.Api;

namespace Gantry.Cri.Metrics;

/// <summary>The samples of one pod or container, read for this answer: their time stamp is 0, which means "now".</summary>
/// <param name="shared">The values of the shared labels, in their order.</param>
internal sealed class MetricRows(IReadOnlyList<string> shared)
{
    public List<Metric> Samples { get; } = new(80);

    /// <summary>Adds a sample.</summary>
    /// <param name="family">The metric.</param>
    /// <param name="value">Whole units: the CRI has no fractions.</param>
    /// <param name="own">The values of the metric's own labels.</param>
    public void Add(MetricFamily family, ulong value, params ReadOnlySpan<string> own)
    {
        if (own.Length != family.OwnLabels.Count)
            throw new ArgumentException($"{family.Name} has {family.OwnLabels.Count} labels of its own, not {own.Length}", nameof(own));
        var sample = new Metric { Name = family.Name, MetricType = family.Kind, Value = new UInt64Value { Value = value } };
        sample.LabelValues.AddRange(shared);
        foreach (var label in own)
            sample.LabelValues.Add(label);
        Samples.Add(sample);
    }

    /// <summary>As <see cref="Add(MetricFamily, ulong, ReadOnlySpan{string})"/> with nanoseconds as seconds.</summary>
    public void AddSeconds(MetricFamily family, ulong nanoseconds, params ReadOnlySpan<string> own) => Add(family, nanoseconds / 1_000_000_000, own);
}
