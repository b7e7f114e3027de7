using Gantry.Identity;

namespace Gantry.Images.Unpacking;

/// <summary>How a layer's archive is packed.</summary>
public enum LayerCompression
{
    None,
    Gzip,
    Zstd,
}

/// <summary>A layer, as its manifest describes it.</summary>
/// <param name="Digest">Of the blob.</param>
/// <param name="Size">Of the blob, in bytes.</param>
/// <param name="Compression">What the media type says.</param>
public sealed record LayerDescriptor(Digest Digest, long Size, LayerCompression Compression);

/// <summary>What unpacking a layer came to.</summary>
/// <param name="ArchiveBytes">Of the decompressed archive.</param>
/// <param name="DiskBytes">Of the tree, in whole blocks.</param>
/// <param name="Inodes">Files, directories and links of the tree.</param>
public sealed record LayerResult(long ArchiveBytes, long DiskBytes, long Inodes);
