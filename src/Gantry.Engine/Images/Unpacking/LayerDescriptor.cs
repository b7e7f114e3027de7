using Gantry.Faults;
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
public sealed record LayerDescriptor(Digest Digest, long Size, LayerCompression Compression)
{
    /// <summary>The compression that a layer's media type names, OCI's or Docker's.</summary>
    /// <exception cref="InvalidRequestException">It is not the media type of a layer that can be unpacked.</exception>
    public static LayerCompression CompressionOf(string mediaType) => mediaType switch
    {
        "application/vnd.oci.image.layer.v1.tar"
            or "application/vnd.oci.image.layer.nondistributable.v1.tar"
            or "application/vnd.docker.image.rootfs.diff.tar" => LayerCompression.None,
        "application/vnd.oci.image.layer.v1.tar+gzip"
            or "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
            or "application/vnd.docker.image.rootfs.diff.tar.gzip"
            or "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip" => LayerCompression.Gzip,
        "application/vnd.oci.image.layer.v1.tar+zstd"
            or "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"
            or "application/vnd.docker.image.rootfs.diff.tar.zstd" => LayerCompression.Zstd,
        _ => throw new InvalidRequestException(
            $"layer media type '{mediaType}' is not a tar archive, plain, gzip or zstd; this is no container image, or one of an unknown kind"),
    };
}

/// <summary>What unpacking a layer came to.</summary>
/// <param name="ArchiveBytes">Of the decompressed archive.</param>
/// <param name="DiskBytes">Of the tree, in whole blocks.</param>
/// <param name="Inodes">Files, directories and links of the tree.</param>
public sealed record LayerResult(long ArchiveBytes, long DiskBytes, long Inodes);
