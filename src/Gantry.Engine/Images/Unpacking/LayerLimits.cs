using Gantry.Faults;

namespace Gantry.Images.Unpacking;

/// <summary>What the layers of one image may ask of the node, together. Far above any real image, far below what hurts.</summary>
public sealed record LayerLimits
{
    /// <summary>Of the decompressed archives.</summary>
    public long MaxBytes { get; init; } = 128L << 30;

    /// <summary>Entries of the archives, and so files, directories and links.</summary>
    public long MaxEntries { get; init; } = 4_000_000;

    /// <summary>Components of a path.</summary>
    public int MaxDepth { get; init; } = 512;
}

/// <summary>What one image's layers have used of their limits so far. Safe for use from several threads.</summary>
internal sealed class LayerBudget(LayerLimits limits)
{
    private long _bytes;
    private long _entries;

    public LayerLimits Limits => limits;

    /// <exception cref="ResourceExhaustedException">That is too much.</exception>
    public void TakeBytes(long count)
    {
        if (Interlocked.Add(ref _bytes, count) > limits.MaxBytes)
            throw new ResourceExhaustedException($"it unpacks to more than {limits.MaxBytes} bytes, the most that are allowed");
    }

    /// <exception cref="ResourceExhaustedException">That is one too many.</exception>
    public void TakeEntry()
    {
        if (Interlocked.Increment(ref _entries) > limits.MaxEntries)
            throw new ResourceExhaustedException($"it has more than {limits.MaxEntries} entries, the most that are allowed");
    }
}
