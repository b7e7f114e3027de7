using System.Collections.Concurrent;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Images.Manifests;
using Gantry.Images.Registry;
using Gantry.Images.Registry.Access;
using Gantry.Images.Store;
using Gantry.Images.Trust;
using Gantry.Linux;
using Gantry.Linux.Files;
using Gantry.Persistence;
using Microsoft.Extensions.Logging;

namespace Gantry.Images.Pulling;

/// <summary>The stores that pulls write to.</summary>
public sealed record ImageStores(NodePaths Paths, ImageStore Images, Snapshots.SnapshotStore Snapshots, ImageCollector Collector, ImageLimits Limits);

/// <summary>
/// Pulls images: bytes pass once, from the registry through digest, decompression and diff id into a layer's tree, several
/// layers at a time. Nothing is visible before all of it is verified and on disk.
/// </summary>
public sealed class ImagePuller(RegistryClient registry, ImageStores stores, LayerFetcher layers, SignatureVerifier signatures, TimeProvider time, ILogger log)
{
    /// <summary>What a pull leaves free on the disk.</summary>
    private const long Reserve = 32 << 20;

    private readonly ConcurrentDictionary<string, Pull> _pulls = [];

    /// <summary>The pulls under way.</summary>
    public IReadOnlyList<RunningPull> Running => [.. _pulls.Values.Select(pull => new RunningPull(pull.Image, time.GetElapsedTime(pull.StartedAt), pull.Last))];

    /// <summary>Pulls an image; a second call for the same one joins the first. When the last caller has left, the pull ends.</summary>
    /// <exception cref="NotFoundException">The registry has no such image, or none for this platform.</exception>
    /// <exception cref="RegistryRefusedException">It may not be pulled with these credentials.</exception>
    /// <exception cref="RegistryUnavailableException">No server could be reached.</exception>
    /// <exception cref="CorruptContentException">What was served is not what its digests say.</exception>
    /// <exception cref="SignatureInvalidException">The signature policy refuses it.</exception>
    /// <exception cref="ResourceExhaustedException">The disk is too small, or the image too large.</exception>
    public async Task<ImageRecord> PullAsync(ImageReference image, RegistryCredentials? credentials, IProgress<PullProgress>? progress, CancellationToken cancel)
    {
        var key = $"{image} {credentials?.Fingerprint}";
        while (true)
        {
            var pull = _pulls.GetOrAdd(key, _ => new Pull(image.ToString(), time.GetTimestamp()));
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
        var began = time.GetTimestamp();
        try
        {
            var record = await PullOnceAsync(image, credentials, pull, cancel);
            var elapsed = time.GetElapsedTime(began);
            ImageMetrics.Pulls.Add(1);
            ImageMetrics.PullSeconds.Record(elapsed.TotalSeconds);
            pull.Report(new PullProgress("done", pull.Last.Layers));
            log.ImagePulled(image.ToString(), record.Id, record.Size, elapsed);
            return record;
        }
        catch
        {
            ImageMetrics.FailedPulls.Add(1);
            throw;
        }
    }

    private async Task<ImageRecord> PullOnceAsync(ImageReference image, RegistryCredentials? credentials, Pull pull, CancellationToken cancel)
    {
        var session = registry.Open(image, credentials);
        // The registry is asked whatever is here already: the caller's right to the image is the registry's to know.
        var top = await registry.GetManifestAsync(session, image.Target, cancel);
        var resolved = await ResolvedImage.FollowAsync(
            top.Content, top.Digest, top.MediaType,
            async document => Known(document) ?? (await registry.GetManifestAsync(session, document.Digest.Value, cancel)).Content,
            async config => Known(config) ?? await registry.GetBlobAsync(session, config.Digest, config.Size, cancel),
            stores.Limits, image.ToString());
        var trust = await signatures.CheckAsync(session, [.. resolved.Documents.Select(document => document.Descriptor.Digest)], cancel);
        var record = resolved.ToRecord(NamesOf(image, top.Digest), pinned: false, trust) with { Private = await registry.IsPrivateAsync(session, cancel) };
        using var held = stores.Snapshots.Leases.Hold(record.Contents);
        CheckSpace(image, resolved);
        var report = new PullReport([.. resolved.Manifest.Layers.Select(layer => (layer.Digest, layer.Size))], pull, time);
        try
        {
            await layers.FetchAsync(resolved, (layer, read, token) => registry.ReadBlobAsync(session, layer.Digest, layer.Size, read, token), report, cancel);
            pull.Report(new PullProgress("storing", pull.Last.Layers));
            return await StoreAsync(resolved, record);
        }
        catch
        {
            // What is verified already serves the next try.
            stores.Collector.Recent.Keep(record.Contents);
            throw;
        }
    }

    /// <summary>Publishes an image whose layers are here. The caller holds its contents.</summary>
    internal async Task<ImageRecord> StoreAsync(ResolvedImage resolved, ImageRecord record)
    {
        try
        {
            foreach (var document in resolved.Documents)
                stores.Images.Blobs.Write(document.Descriptor.Digest, document.Content);
            stores.Images.Blobs.Write(resolved.Manifest.Config.Digest, resolved.ConfigContent);
            var stored = await stores.Images.PutAsync(record);
            stores.Collector.Recent.Forget(record.Contents);
            return stored;
        }
        catch (Exception e) when (Exhaustion.IsDisk(e))
        {
            throw new ResourceExhaustedException($"image {record.Id.Short} could not be stored: {e.Message}; free some space in {stores.Paths.Images}", e);
        }
    }

    /// <summary>A tag and the digest that it means, or the digest alone where that was asked for.</summary>
    internal static IReadOnlyList<ImageName> NamesOf(ImageReference image, Digest top)
    {
        var digest = new ImageName($"{image.Name}@{top.Value}", top);
        return image.Tag is null || image.Digest is not null ? [digest] : [new ImageName($"{image.Name}:{image.Tag}", top), digest];
    }

    /// <summary>A small blob that is here already, hashed anew: the disk may have changed it.</summary>
    private byte[]? Known(Descriptor document)
    {
        if (document.Size > ManifestReader.SizeLimit || !stores.Images.Blobs.MayContain(document.Digest, document.Size))
            return null;
        var content = stores.Images.Blobs.Read(document.Digest);
        return document.Digest.ComputeAlike(content) == document.Digest ? content : null;
    }

    /// <summary>Refuses what cannot fit, before anything is fetched: blobs as they are, and trees of at least twice their size.</summary>
    internal void CheckSpace(ImageReference image, ResolvedImage resolved)
    {
        var blobs = resolved.Manifest.Layers.Where(layer => !stores.Images.Blobs.Contains(layer.Digest)).Sum(layer => layer.Size);
        var trees = resolved.Manifest.Layers.Zip(resolved.ChainIds).Where(layer => !stores.Snapshots.Contains(layer.Second))
            .Sum(layer => layer.First.Compression is Unpacking.LayerCompression.None ? layer.First.Size : 2 * layer.First.Size);
        if (!stores.Images.IsSplit)
            (blobs, trees) = (blobs + trees, 0);
        if (blobs > 0)
            CheckSpace(image, stores.Paths.Images, blobs);
        if (trees > 0)
            CheckSpace(image, stores.Paths.Snapshots, trees);
    }

    private static void CheckSpace(ImageReference image, string folder, long needed)
    {
        var available = DiskSpace.Of(folder).AvailableBytes;
        if (needed + Reserve > available)
        {
            throw new ResourceExhaustedException($"image {image} needs at least {(needed + Reserve) >> 20} MiB in {folder}, and {available >> 20} MiB are free: "
                + "remove images ('gantry image prune') or give it a larger disk");
        }
    }
}
