using System.Collections.Concurrent;
using Gantry.Concurrency;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Images.Manifests;
using Gantry.Images.Registry;
using Gantry.Images.Unpacking;
using Gantry.Linux;
using Gantry.Persistence;
using Gantry.Snapshots;
using Microsoft.Extensions.Logging;

namespace Gantry.Images;

/// <summary>Limits of pulls.</summary>
/// <param name="MaxParallelDownloads">Of all pulls together.</param>
/// <param name="NoProgressTimeout">After which a silent registry is given up.</param>
public sealed record PullLimits(int MaxParallelDownloads, TimeSpan NoProgressTimeout);

/// <summary>
/// Pulls images: bytes pass once, from the registry through digest, decompression and diff id into a layer's tree, several
/// layers at a time. Nothing is visible before all of it is verified and on disk.
/// </summary>
public sealed class ImagePuller(RegistryClient registry, ImageStore images, SnapshotStore snapshots, LayerPipeline pipeline, PullLimits limits, TimeProvider time, ILogger log)
{
    private readonly ConcurrentDictionary<string, Pull> _pulls = [];
    private readonly SharedOperations<Digest, bool> _layers = new();
    private readonly SemaphoreSlim _downloads = new(limits.MaxParallelDownloads);

    /// <summary>
    /// While this is held, no layer or blob is deleted: pulls hold it from the moment they count on what is there until it
    /// is an image's.
    /// </summary>
    internal ImageUseGate Gate { get; } = new();

    /// <summary>Pulls an image; a second call for the same one joins the first. When the last caller has left, the pull ends.</summary>
    /// <exception cref="NotFoundException">The registry has no such image, or none for this platform.</exception>
    /// <exception cref="RegistryRefusedException">It may not be pulled with these credentials.</exception>
    /// <exception cref="RegistryUnavailableException">No server could be reached.</exception>
    /// <exception cref="CorruptContentException">What was served is not what its digests say.</exception>
    public async Task<ImageRecord> PullAsync(ImageReference image, RegistryCredentials? credentials, IProgress<PullProgress>? progress, CancellationToken cancel)
    {
        var key = $"{image}\n{credentials?.GetHashCode()}";
        while (true)
        {
            var pull = _pulls.GetOrAdd(key, _ => new Pull());
            if (!pull.TryEnter(token => RunAsync(image, credentials, pull, token), progress, out var task))
            {
                _pulls.TryRemove(new KeyValuePair<string, Pull>(key, pull));
                continue;
            }
            try
            {
                return await task.WaitAsync(cancel);
            }
            finally
            {
                if (pull.Leave(progress) || task.IsCompleted)
                    _pulls.TryRemove(new KeyValuePair<string, Pull>(key, pull));
            }
        }
    }

    private async Task<ImageRecord> RunAsync(ImageReference image, RegistryCredentials? credentials, Pull pull, CancellationToken cancel)
    {
        await Task.Yield();
        using var held = await Gate.EnterAsync(cancel);
        var began = time.GetTimestamp();
        pull.Report(new PullProgress("resolving", []));
        var top = await registry.GetManifestAsync(image, image.Target, credentials, cancel);
        var documents = new List<RegistryDocument> { top };
        var document = top;
        if (ManifestReader.IsIndex(ManifestReader.MediaTypeOf(top.Content, top.MediaType, image.ToString())))
        {
            var chosen = HostPlatform.Choose(ManifestReader.ReadIndex(top.Content, image.ToString()), $"image {image}");
            document = await registry.GetManifestAsync(image, chosen.Digest.Value, credentials, cancel);
            documents.Add(document);
        }
        var manifest = ManifestReader.ReadManifest(document.Content, $"manifest {document.Digest.Short} of {image}");
        var configBytes = await registry.GetBlobAsync(image, manifest.Config.Digest, credentials, cancel);
        var config = ManifestReader.ReadConfig(configBytes, manifest.Layers.Count, $"config {manifest.Config.Digest.Short} of {image}");
        var chainIds = ChainId.Of(config.DiffIds);
        await FetchLayersAsync(image, credentials, manifest, config, chainIds, pull, cancel);
        foreach (var kept in documents)
            Publish(kept.Digest, kept.Content);
        Publish(manifest.Config.Digest, configBytes);
        var record = images.Put(new ImageRecord
        {
            Id = manifest.Config.Digest,
            ManifestDigest = document.Digest,
            Tags = image.Tag is null || image.Digest is not null ? [] : [$"{image.Name}:{image.Tag}"],
            RepoDigests = [$"{image.Name}@{top.Digest.Value}"],
            Size = manifest.Layers.Sum(layer => layer.Size) + manifest.Config.Size + document.Content.Length,
            Config = config,
            ChainIds = chainIds,
            Blobs = [.. documents.Select(kept => kept.Digest), manifest.Config.Digest, .. manifest.Layers.Select(layer => layer.Digest)],
        });
        pull.Report(new PullProgress("done", []));
        log.ImagePulled(image.ToString(), record.Id, record.Size, time.GetElapsedTime(began));
        return record;
    }

    private async Task FetchLayersAsync(
        ImageReference image, RegistryCredentials? credentials, Manifest manifest, ImageConfig config, IReadOnlyList<Digest> chainIds, Pull pull, CancellationToken cancel)
    {
        var report = new PullReport([.. manifest.Layers.Select(layer => (layer.Digest, layer.Size))], pull, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var committed = Task.CompletedTask;
        var all = new List<Task>();
        for (var n = 0; n < manifest.Layers.Count; n++)
        {
            var index = n;
            var layer = new LayerFetch(image, credentials, manifest.Layers[n], config.DiffIds[n], chainIds[n], n == 0 ? null : chainIds[n - 1], committed);
            committed = FetchAsync(layer, index, report, stop.Token);
            all.Add(committed);
        }
        try
        {
            await Task.WhenAll(all.Select(task => StopOthersAsync(task, stop)));
        }
        catch (Exception) when (all.Find(task => task.IsFaulted) is { } failed)
        {
            // The first failure in time cancelled the others; it is the one that explains.
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

    private async Task FetchAsync(LayerFetch layer, int index, PullReport report, CancellationToken cancel)
    {
        if (snapshots.Contains(layer.ChainId) && File.Exists(images.BlobPath(layer.Blob.Digest)))
        {
            report.State(index, "exists");
            return;
        }
        // Two images that share a layer fetch it once.
        while (true)
        {
            try
            {
                await _layers.JoinAsync(layer.ChainId, () => FetchOneAsync(layer, index, report, cancel), cancel);
                report.State(index, "unpacked");
                return;
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                // The other image's pull was cancelled, and this one goes on by itself.
            }
        }
    }

    private async Task<bool> FetchOneAsync(LayerFetch layer, int index, PullReport report, CancellationToken cancel)
    {
        using var ingest = await DownloadAsync(layer, index, report, cancel);
        // Parent before child: what a layer leaves out is taken from the layers below.
        await layer.ParentCommitted;
        if (!snapshots.Contains(layer.ChainId))
            snapshots.Commit(ingest, layer.ChainId, layer.Parent);
        return true;
    }

    private async Task<LayerIngest> DownloadAsync(LayerFetch layer, int index, PullReport report, CancellationToken cancel)
    {
        await _downloads.WaitAsync(cancel);
        try
        {
            report.State(index, "downloading");
            return await registry.ReadBlobAsync(layer.Image, layer.Blob.Digest, layer.Credentials, source => UnpackAsync(source, layer, index, report, cancel), cancel);
        }
        finally
        {
            _downloads.Release();
        }
    }

    private async Task<LayerIngest> UnpackAsync(Stream source, LayerFetch layer, int index, PullReport report, CancellationToken cancel)
    {
        var aside = Path.Combine(images.IngestFolder, $"{layer.Blob.Digest.Hex}.{Guid.NewGuid():N}");
        var ingest = snapshots.Begin();
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        silence.CancelAfter(limits.NoProgressTimeout);
        try
        {
            await pipeline.RunAsync(source, layer.Blob, layer.DiffId, aside, ingest, new Received(bytes =>
            {
                silence.CancelAfter(limits.NoProgressTimeout);
                report.Bytes(index, bytes);
            }), silence.Token);
            File.Move(aside, images.BlobPath(layer.Blob.Digest), overwrite: true);
            return ingest;
        }
        catch (Exception e)
        {
            ingest.Dispose();
            File.Delete(aside);
            if (e is OperationCanceledException && !cancel.IsCancellationRequested)
                throw new RegistryUnavailableException($"layer {layer.Blob.Digest.Short} of {layer.Image}: nothing arrived for {limits.NoProgressTimeout.TotalSeconds:0} s", e);
            if (e is SyscallException { IsExhaustion: true } or IOException && IsFull(e))
                throw new ResourceExhaustedException($"layer {layer.Blob.Digest.Short} of {layer.Image} could not be stored: {e.Message}; free some space in {images.IngestFolder}", e);
            throw;
        }
    }

    private static bool IsFull(Exception e) => e is SyscallException { IsExhaustion: true } || (e.HResult & 0xffff) is 28 or 122 || (e is IOException && e.Message.Contains("No space left", StringComparison.Ordinal));

    private void Publish(Digest digest, byte[] content)
    {
        try
        {
            AtomicFile.Write(images.BlobPath(digest), content);
        }
        catch (IOException e) when (IsFull(e))
        {
            throw new ResourceExhaustedException($"blob {digest.Short} could not be stored: {e.Message}; free some space in {images.IngestFolder}", e);
        }
    }

    private sealed record LayerFetch(
        ImageReference Image, RegistryCredentials? Credentials, LayerDescriptor Blob, Digest DiffId, Digest ChainId, Digest? Parent, Task ParentCommitted);

    private sealed class Received(Action<long> tell) : IProgress<long>
    {
        public void Report(long value) => tell(value);
    }
}
