namespace Gantry.Images.Unpacking;

/// <summary>What one layer may ask of the node. Far above any real image, far below what hurts.</summary>
public sealed record LayerLimits
{
    /// <summary>Of the decompressed archive.</summary>
    public long MaxBytes { get; init; } = 128L << 30;

    /// <summary>Entries of the archive, and so files, directories and links.</summary>
    public long MaxEntries { get; init; } = 4_000_000;

    /// <summary>Components of a path.</summary>
    public int MaxDepth { get; init; } = 512;
}
