using Gantry.Identity;

namespace Gantry.Images.Pulling;

/// <summary>How far a pull is.</summary>
/// <param name="Stage">"resolving", "pulling", "storing" or "done".</param>
/// <param name="Layers">Lowest first; empty while resolving.</param>
public sealed record PullProgress(string Stage, IReadOnlyList<LayerProgress> Layers);

/// <summary>How far one layer is.</summary>
/// <param name="Digest">The blob.</param>
/// <param name="State">"waiting", "downloading", "unpacking", "unpacked" or "exists".</param>
/// <param name="Done">Bytes received.</param>
/// <param name="Total">Bytes of the blob.</param>
public sealed record LayerProgress(Digest Digest, string State, long Done, long Total);

/// <summary>A pull under way, for whoever asks what the node does.</summary>
public sealed record RunningPull(string Image, TimeSpan Since, PullProgress Progress);

/// <summary>Gathers the progress of a pull's layers and reports at most ten times a second, and at every change of state.</summary>
internal sealed class PullReport(IReadOnlyList<(Digest Digest, long Size)> layers, IProgress<PullProgress> progress, TimeProvider time)
{
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(100);
    private readonly Lock _lock = new();
    private readonly LayerProgress[] _layers = [.. layers.Select(layer => new LayerProgress(layer.Digest, "waiting", 0, layer.Size))];
    private long _last;

    public void State(int layer, string state)
    {
        lock (_lock)
        {
            var before = _layers[layer];
            _layers[layer] = before with { State = state, Done = state switch { "waiting" => 0, "downloading" => before.Done, _ => before.Total } };
            Tell();
        }
    }

    public void Bytes(int layer, long done)
    {
        // Called for each block: mostly it is one number that changes.
        if (done < _layers[layer].Total && time.GetElapsedTime(Interlocked.Read(ref _last)) < _interval)
            return;
        lock (_lock)
        {
            _layers[layer] = _layers[layer] with { Done = done };
            Tell();
        }
    }

    private void Tell()
    {
        Interlocked.Exchange(ref _last, time.GetTimestamp());
        progress.Report(new PullProgress("pulling", [.. _layers]));
    }
}
