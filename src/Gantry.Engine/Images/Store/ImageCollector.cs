using Gantry.Concurrency;
using Gantry.Identity;
using Gantry.Linux;
using Gantry.Linux.Files;
using Gantry.Snapshots;
using Microsoft.Extensions.Logging;

namespace Gantry.Images.Store;

/// <summary>What a collection freed.</summary>
public readonly record struct CollectedSpace(long Bytes, int Trees, int Blobs);

/// <summary>
/// Deletes layers and blobs that nobody needs: no image, no container, no pull or creation under way, and no pull that
/// failed within the last hour. Renaming decides, under the leases' gate; the deletion itself has a thread of its own.
/// </summary>
/// <param name="layersInUse">The chain ids that containers stand on.</param>
public sealed class ImageCollector(ImageStore images, SnapshotStore snapshots, Func<IReadOnlySet<Digest>> layersInUse, TimeProvider time, ILogger log)
{
    internal RecentContents Recent { get; } = new(time);

    /// <summary>Deletes everything that is not needed.</summary>
    /// <param name="withRecent">Also what pulls that failed lately have left.</param>
    public async Task<CollectedSpace> CollectAsync(bool withRecent)
    {
        if (withRecent)
            Recent.ForgetAll();
        return await BlockingWork.RunAsync("collect", Collect);
    }

    private CollectedSpace Collect()
    {
        var bytes = 0L;
        var needed = new Lazy<HashSet<Digest>>(Needed);
        // The set is made under the gate, at the first question: what becomes needed later is leased meanwhile.
        bool IsNeeded(Digest content) => needed.Value.Contains(content) || Recent.IsKept(content);
        var sizes = snapshots.List().ToDictionary(chainId => chainId, chainId => snapshots.Usage(chainId).Bytes);
        var trees = snapshots.Retire(sizes.Keys, IsNeeded);
        bytes += sizes.Where(size => !snapshots.Contains(size.Key)).Sum(size => size.Value);
        needed = new Lazy<HashSet<Digest>>(Needed);
        var blobs = images.Blobs.Retire([.. images.Blobs.Files()], IsNeeded);
        bytes += blobs.Sum(path => new FileInfo(path).Length);
        foreach (var path in trees.Concat(blobs))
            Delete(path);
        if (trees.Count + blobs.Count > 0)
            log.Collected(trees.Count, blobs.Count, bytes);
        return new CollectedSpace(bytes, trees.Count, blobs.Count);
    }

    private HashSet<Digest> Needed() => [.. images.List().SelectMany(image => image.Contents), .. layersInUse()];

    private void Delete(string path)
    {
        try
        {
            DirectoryRemover.Remove(path);
        }
        catch (SyscallException e)
        {
            // It is out of the store; the next start deletes what is in the trash.
            log.TrashStays(path, e);
        }
    }
}
