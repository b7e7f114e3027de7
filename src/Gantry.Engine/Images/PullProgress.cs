using Gantry.Identity;

namespace Gantry.Images;

/// <summary>How far a pull is.</summary>
/// <param name="Stage">"resolving", "pulling" or "done".</param>
/// <param name="Layers">Lowest first; empty while resolving.</param>
public sealed record PullProgress(string Stage, IReadOnlyList<LayerProgress> Layers);

/// <summary>How far one layer is.</summary>
/// <param name="Digest">The blob.</param>
/// <param name="State">"waiting", "downloading", "unpacked" or "exists".</param>
/// <param name="Done">Bytes received.</param>
/// <param name="Total">Bytes of the blob.</param>
public sealed record LayerProgress(Digest Digest, string State, long Done, long Total);

/// <summary>Gathers the progress of a pull's layers and reports at most ten times a second, and at every change of state.</summary>
internal sealed class PullReport(IReadOnlyList<(Digest Digest, long Size)> layers, IProgress<PullProgress>? progress, TimeProvider time)
{
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(100);
    private readonly Lock _lock = new();
    private readonly LayerProgress[] _layers = [.. layers.Select(layer => new LayerProgress(layer.Digest, "waiting", 0, layer.Size))];
    private long _last;

    public void State(int layer, string state)
    {
        lock (_lock)
            _layers[layer] = _layers[layer] with { State = state, Done = state is "waiting" ? 0 : state is "downloading" ? _layers[layer].Done : _layers[layer].Total };
        Tell();
    }

    public void Bytes(int layer, long done)
    {
        lock (_lock)
            _layers[layer] = _layers[layer] with { Done = done };
        if (time.GetElapsedTime(_last) >= _interval)
            Tell();
    }

    private void Tell()
    {
        if (progress is null)
            return;
        _last = time.GetTimestamp();
        lock (_lock)
            progress.Report(new PullProgress("pulling", [.. _layers]));
    }
}
