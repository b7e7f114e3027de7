using Gantry.Concurrency;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Images.Manifests;
using Gantry.Images.Store;
using Gantry.Images.Unpacking;
using Gantry.Snapshots;
using Microsoft.Extensions.Logging;

namespace Gantry.Images.Pulling;

/// <summary>Where a layer that is not here comes from: a registry, or nowhere else than this node.</summary>
internal delegate Task LayerSource(LayerDescriptor layer, Func<Stream, Task> read, CancellationToken cancel);

/// <summary>How much is done at the same time.</summary>
/// <param name="MaxParallelDownloads">Layers of all pulls together.</param>
/// <param name="MaxParallelDownloadsOfPull">Layers of one pull.</param>
public sealed record PullLimits(int MaxParallelDownloads, int MaxParallelDownloadsOfPull);

/// <summary>
/// Brings the layers of an image here: each is received and unpacked in one pass, several at a time, and committed parent
/// before child. A blob is fetched once, however many images want it; what is on disk already is used.
/// </summary>
public sealed class LayerFetcher(ImageStore images, SnapshotStore snapshots, LayerPipeline pipeline, PullLimits limits, ILogger log)
{
    private readonly KeyedLock<Digest> _blobLocks = new();
    private readonly KeyedLock<Digest> _commitLocks = new();
    private readonly SemaphoreSlim _downloads = new(limits.MaxParallelDownloads);

    /// <summary>Brings all layers; when it returns they are unpacked, committed and their blobs published. The caller holds them.</summary>
    /// <exception cref="GantryException">The first layer that failed in time; the others are cancelled.</exception>
    internal async Task FetchAsync(ResolvedImage image, LayerSource source, PullReport report, CancellationToken cancel)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var own = new SemaphoreSlim(limits.MaxParallelDownloadsOfPull);
        var budget = pipeline.NewBudget();
        var committed = Task.CompletedTask;
        var all = new List<Task>();
        for (var n = 0; n < image.Manifest.Layers.Count; n++)
        {
            var layer = new LayerFetch(n, image.Manifest.Layers[n], image.Config.DiffIds[n], image.ChainIds[n], n == 0 ? null : image.ChainIds[n - 1], committed, budget, own);
            committed = FetchAsync(layer, source, report, stop.Token);
            all.Add(committed);
        }
        try
        {
            await Task.WhenAll(all.Select(task => StopOthersAsync(task, stop)));
        }
        catch (Exception) when (all.Find(task => task.IsFaulted) is { } failed)
        {
            // The first failure cancelled the others; it is the one that explains.
            await failed;
            throw;
        }
    }

    private static async Task StopOthersAsync(Task task, CancellationTokenSource stop)
    {
        try
        {
            await task;
        }
        catch
        {
            await stop.CancelAsync();
            throw;
        }
    }

    private async Task FetchAsync(LayerFetch layer, LayerSource source, PullReport report, CancellationToken cancel)
    {
        await Task.Yield();
        if (snapshots.Contains(layer.ChainId) && images.Blobs.Contains(layer.Blob.Digest))
        {
            report.State(layer.Index, "exists");
            await layer.ParentCommitted;
            return;
        }
        using var ingest = await UnpackAsync(layer, source, report, cancel);
        // Parent before child: what a layer leaves out is taken from the layers below.
        await layer.ParentCommitted;
        using (await _commitLocks.EnterAsync(layer.ChainId, cancel))
        {
            if (ingest is not null && !snapshots.Contains(layer.ChainId))
                await BlockingWork.RunAsync("commit", () => snapshots.Commit(ingest, layer.ChainId, layer.Parent));
        }
        report.State(layer.Index, "unpacked");
    }

    /// <summary>The layer's tree, or null where that is committed already and only the blob was missing.</summary>
    private async Task<LayerIngest?> UnpackAsync(LayerFetch layer, LayerSource source, PullReport report, CancellationToken cancel)
    {
        var digest = layer.Blob.Digest;
        using var alone = await _blobLocks.EnterAsync(digest, cancel);
        if (snapshots.Contains(layer.ChainId) && images.Blobs.Contains(digest))
            return null;
        await layer.OwnDownloads.WaitAsync(cancel);
        try
        {
            await _downloads.WaitAsync(cancel);
            try
            {
                return await FromDiskAsync(layer, report, cancel) ?? await FromSourceAsync(layer, source, report, cancel);
            }
            finally
            {
                _downloads.Release();
            }
        }
        finally
        {
            layer.OwnDownloads.Release();
        }
    }

    /// <summary>Unpacks a blob that an earlier pull has left; null where there is none, or a damaged one.</summary>
    private async Task<LayerIngest?> FromDiskAsync(LayerFetch layer, PullReport report, CancellationToken cancel)
    {
        var digest = layer.Blob.Digest;
        if (!images.Blobs.MayContain(digest, layer.Blob.Size))
            return null;
        report.State(layer.Index, "unpacking");
        try
        {
            await using var file = File.OpenRead(images.Blobs.PathOf(digest));
            var ingest = await ReceiveAsync(file, layer, null, null, cancel);
            images.Blobs.Know(digest, layer.Blob.Size);
            return ingest;
        }
        catch (CorruptContentException e)
        {
            // A damaged blob of an earlier pull, unless the image itself is inconsistent: the registry's own bytes tell.
            log.BlobDamaged(digest, e);
            images.Blobs.Forget(digest);
            return null;
        }
    }

    private async Task<LayerIngest?> FromSourceAsync(LayerFetch layer, LayerSource source, PullReport report, CancellationToken cancel)
    {
        report.State(layer.Index, "downloading");
        LayerIngest? ingest = null;
        await source(layer.Blob, async stream =>
        {
            var aside = images.Blobs.Aside(layer.Blob.Digest);
            try
            {
                ingest = await ReceiveAsync(stream, layer, aside, bytes =>
                {
                    report.Bytes(layer.Index, bytes);
                    if (bytes == layer.Blob.Size)
                        report.State(layer.Index, "unpacking");
                }, cancel);
                images.Blobs.Publish(aside, layer.Blob.Digest, layer.Blob.Size);
                ImageMetrics.PulledBytes.Add(layer.Blob.Size);
            }
            catch
            {
                File.Delete(aside);
                throw;
            }
        }, cancel);
        return ingest;
    }

    private async Task<LayerIngest> ReceiveAsync(Stream stream, LayerFetch layer, string? aside, Action<long>? received, CancellationToken cancel)
    {
        var ingest = snapshots.Begin();
        try
        {
            await pipeline.RunAsync(stream, layer.Blob, new LayerTarget(layer.DiffId, aside, ingest, layer.Budget), received is null ? null : new Received(received), cancel);
            return ingest;
        }
        catch
        {
            await BlockingWork.RunAsync("discard", ingest.Dispose);
            throw;
        }
    }

    private sealed record LayerFetch(
        int Index, LayerDescriptor Blob, Digest DiffId, Digest ChainId, Digest? Parent, Task ParentCommitted, LayerBudget Budget, SemaphoreSlim OwnDownloads);

    private sealed class Received(Action<long> tell) : IProgress<long>
    {
        public void Report(long value) => tell(value);
    }
}
