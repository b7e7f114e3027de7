using Gantry.Identity;
using Gantry.Snapshots;

namespace Gantry.Images.Store;

/// <summary>What one image takes.</summary>
/// <param name="BlobBytes">Compressed.</param>
/// <param name="TreeBytes">Unpacked.</param>
/// <param name="SharedBytes">Of both, what other images have too.</param>
/// <param name="FreedBytes">What its removal would free: what no other image, no container and no pull needs.</param>
/// <param name="IsUsed">A container stands on it.</param>
public sealed record ImageUsage(ImageRecord Image, long BlobBytes, long TreeBytes, long SharedBytes, long FreedBytes, bool IsUsed);

/// <summary>What all images take together, each blob and layer counted once.</summary>
/// <param name="UnneededBytes">Of layers that belong to no image and no container.</param>
public sealed record ImageTotals(int Images, long BlobBytes, long TreeBytes, long Inodes, long UnneededBytes);

/// <summary>Counts what images take, from memory.</summary>
public static class ImageUsages
{
    /// <param name="layersInUse">The chain ids that containers stand on.</param>
    public static IReadOnlyList<ImageUsage> Of(ImageStore images, SnapshotStore snapshots, IReadOnlySet<Digest> layersInUse)
    {
        var all = images.List();
        var holders = new Dictionary<Digest, int>();
        foreach (var content in all.SelectMany(image => image.Contents.Distinct()))
            holders[content] = holders.GetValueOrDefault(content) + 1;
        return [.. all.Select(image =>
        {
            var blobs = image.Blobs.Select(blob => (blob.Digest, blob.Size, IsUsed: false));
            var trees = image.ChainIds.Distinct().Select(chainId => (Digest: chainId, Size: snapshots.Usage(chainId).Bytes, IsUsed: layersInUse.Contains(chainId)));
            var parts = blobs.Concat(trees).ToList();
            return new ImageUsage(
                image, image.Blobs.Sum(blob => blob.Size), image.ChainIds.Distinct().Sum(chainId => snapshots.Usage(chainId).Bytes),
                parts.Where(part => holders[part.Digest] > 1).Sum(part => part.Size),
                parts.Where(part => holders[part.Digest] == 1 && !part.IsUsed).Sum(part => part.Size),
                image.ChainIds.Count > 0 && layersInUse.Contains(image.ChainIds[^1]));
        })];
    }

    /// <inheritdoc cref="Of"/>
    public static ImageTotals Total(ImageStore images, SnapshotStore snapshots, IReadOnlySet<Digest> layersInUse)
    {
        var needed = images.List().SelectMany(image => image.ChainIds).Concat(layersInUse).ToHashSet();
        var trees = snapshots.Total;
        return new ImageTotals(
            images.Count, images.Blobs.TotalBytes, trees.Bytes, trees.Inodes,
            snapshots.List().Where(chainId => !needed.Contains(chainId)).Sum(chainId => snapshots.Usage(chainId).Bytes));
    }
}
