using System.Diagnostics.Metrics;

namespace Gantry.Images;

/// <summary>What is counted about images.</summary>
public static class ImageMetrics
{
    public const string MeterName = "Gantry.Images";
    private static readonly Meter _meter = new(MeterName);

    /// <summary>Answers of servers whose bytes were not what their digest says.</summary>
    internal static Counter<long> CorruptAnswers { get; } = _meter.CreateCounter<long>("gantry.images.corrupt_answers");

    /// <summary>Bytes of blobs that came from registries.</summary>
    internal static Counter<long> PulledBytes { get; } = _meter.CreateCounter<long>("gantry.images.pulled", "By");

    internal static Counter<long> Pulls { get; } = _meter.CreateCounter<long>("gantry.images.pulls");

    internal static Counter<long> FailedPulls { get; } = _meter.CreateCounter<long>("gantry.images.pulls_failed");

    internal static Histogram<double> PullSeconds { get; } = _meter.CreateHistogram<double>("gantry.images.pull_duration", "s");
}
