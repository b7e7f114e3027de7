using Gantry.Identity;

namespace Gantry.Images.Store;

/// <summary>What a pruning did.</summary>
public sealed record PruneResult(IReadOnlyList<ImageRecord> Removed, CollectedSpace Collected);

/// <summary>Removes images that nobody needs, and what failed pulls have left.</summary>
public sealed class ImagePruner(ImageStore images, ImageCollector collector, Func<IReadOnlySet<Digest>> layersInUse)
{
    /// <summary>Removes images that have no name any more, or with <paramref name="all"/> every one that no container uses; pinned ones stay.</summary>
    public async Task<PruneResult> PruneAsync(bool all)
    {
        var used = layersInUse();
        var removed = new List<ImageRecord>();
        foreach (var image in images.List().Where(image => !image.Pinned && (all || image.Names.Count == 0) && !used.Contains(image.ChainIds[^1])))
        {
            if (await images.RemoveAsync(image.Id.Value) is { } gone)
                removed.Add(gone);
        }
        var collected = await collector.CollectAsync(withRecent: true);
        await images.CatchUpAsync();
        return new PruneResult(removed, collected);
    }
}
