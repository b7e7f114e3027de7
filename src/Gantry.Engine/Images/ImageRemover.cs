using Gantry.Identity;
using Gantry.Snapshots;
using Microsoft.Extensions.Logging;

namespace Gantry.Images;

/// <summary>Removes images with every name that they have, as the CRI asks, and deletes what belongs to none any more.</summary>
public sealed class ImageRemover(ImageStore images, SnapshotStore snapshots, ImagePuller puller, ILogger log)
{
    /// <summary>Removes the image; one that does not exist is fine.</summary>
    /// <param name="idOrReference">An id or any of its names.</param>
    /// <param name="layersInUse">The chainIDs that containers stand on: their trees stay.</param>
    public void Remove(string idOrReference, Func<IReadOnlySet<Digest>> layersInUse)
    {
        if (images.Find(idOrReference) is not { } image)
            return;
        images.Remove(image.Id);
        log.ImageRemoved(image.Id);
        CollectTrees(layersInUse);
    }

    /// <summary>Deletes the trees that neither an image nor a container needs. While a pull is under way they stay for the next time.</summary>
    public void CollectTrees(Func<IReadOnlySet<Digest>> layersInUse)
    {
        using var alone = puller.Gate.TryEnterAlone();
        if (alone is null)
            return;
        var needed = images.List().SelectMany(image => image.ChainIds).Concat(layersInUse()).ToHashSet();
        foreach (var chainId in snapshots.List().Where(chainId => !needed.Contains(chainId)))
            snapshots.Remove(chainId);
    }
}
