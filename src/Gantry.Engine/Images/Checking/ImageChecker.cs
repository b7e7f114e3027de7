using System.Security.Cryptography;
using Gantry.Concurrency;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Images.Pulling;
using Gantry.Images.Registry;
using Gantry.Images.Unpacking;
using Gantry.Linux;
using Gantry.Linux.Files;
using Microsoft.Extensions.Logging;

namespace Gantry.Images.Checking;

/// <summary>Something that is not as it should be.</summary>
/// <param name="Image">A name of an image that has it, or its id.</param>
/// <param name="Subject">As "blob sha256:…" or "layer sha256:…".</param>
/// <param name="Repair">"repaired", "not asked for", or why it could not be.</param>
public sealed record CheckFinding(string Image, string Subject, string Problem, string Repair, bool IsRepaired);

/// <summary>How much was read.</summary>
public sealed record CheckSummary(int Blobs, int Trees, long Bytes);

/// <summary>
/// Verifies what is on disk: every blob by its digest, and every tree byte by byte against the blob that it was unpacked
/// from. Repairs the damaged piece alone: a blob is fetched again, a tree unpacked again.
/// </summary>
public sealed class ImageChecker(ImageStores stores, RegistryClient registry, ImagePuller puller, LayerPipeline pipeline, Func<IReadOnlySet<Digest>> layersInUse, ILogger log)
{
    private const string NotAsked = "not asked for: --repair does it";

    /// <summary>Checks everything, each blob and tree once however many images have it.</summary>
    /// <param name="reading">Slows the reading down, for a check in the background; null for none.</param>
    /// <param name="found">Told of each problem as it is found.</param>
    public async Task<CheckSummary> RunAsync(bool repair, RateLimit? reading, Func<CheckFinding, Task> found, CancellationToken cancel)
    {
        var (blobs, trees, bytes) = (new HashSet<Digest>(), new HashSet<Digest>(), 0L);
        foreach (var image in stores.Images.List())
        {
            using var use = stores.Snapshots.Leases.Hold(image.Contents);
            var name = image.Names.Count > 0 ? image.Names[0].Text : image.Id.Value;
            foreach (var (digest, size) in image.Blobs.Where(blob => blobs.Add(blob.Digest)))
            {
                bytes += size;
                if (await ProblemOfBlobAsync(digest, size, reading, cancel) is { } problem)
                    await found(await ReportAsync(name, $"blob {digest}", problem, repair, () => RepairBlobAsync(image, digest, size, cancel)));
            }
            for (var n = 0; n < image.Layers.Count; n++)
            {
                if (!trees.Add(image.ChainIds[n]))
                    continue;
                bytes += stores.Snapshots.Usage(image.ChainIds[n]).Bytes;
                var index = n;
                if (await ProblemOfTreeAsync(image, n, reading, cancel) is { } problem)
                    await found(await ReportAsync(name, $"layer {image.ChainIds[n]}", problem, repair, () => RepairTreeAsync(image, index, cancel)));
            }
        }
        foreach (var name in stores.Images.DamagedNames)
            await found(await ReportAsync(name, "image", "it was not whole when the daemon started, and counts as absent", repair, () => PullAsync(name, cancel)));
        return new CheckSummary(blobs.Count, trees.Count, bytes);
    }

    private async Task<CheckFinding> ReportAsync(string image, string subject, string problem, bool repair, Func<Task> mend)
    {
        log.DamageFound(subject, image, problem);
        if (!repair)
            return new CheckFinding(image, subject, problem, NotAsked, false);
        try
        {
            await mend();
            log.DamageRepaired(subject, image);
            return new CheckFinding(image, subject, problem, "repaired", true);
        }
        catch (Exception e) when (e is GantryException or IOException or SyscallException or HttpRequestException)
        {
            return new CheckFinding(image, subject, problem, e.Message, false);
        }
    }

    private Task<string?> ProblemOfBlobAsync(Digest digest, long size, RateLimit? reading, CancellationToken cancel) => BlockingWork.RunAsync<string?>("check", () =>
    {
        try
        {
            using var file = File.OpenHandle(stores.Images.BlobPath(digest), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan);
            using var hash = new ContentHash(digest);
            var buffer = new byte[64 << 10];
            var at = 0L;
            int read;
            while ((read = RandomAccess.Read(file, buffer, at)) > 0)
            {
                cancel.ThrowIfCancellationRequested();
                hash.Append(buffer.AsSpan(0, read));
                at += read;
                reading?.Take(read, cancel);
            }
            return at != size ? $"it has {at} bytes, and not {size}" : hash.Finish() != digest ? "its content has another digest" : null;
        }
        catch (IOException e)
        {
            return e is FileNotFoundException or DirectoryNotFoundException ? "it is missing" : e.Message;
        }
    });

    private Task<string?> ProblemOfTreeAsync(ImageRecord image, int n, RateLimit? reading, CancellationToken cancel) => BlockingWork.RunAsync<string?>("check", () =>
    {
        try
        {
            using var blob = File.OpenRead(stores.Images.BlobPath(image.Layers[n].Digest));
            using var paced = new PacedStream(blob, reading, cancel);
            var differences = pipeline.Compare(paced, image.Layers[n], image.Config.DiffIds[n], stores.Snapshots.TreePath(image.ChainIds[n]), cancel);
            return differences.Count == 0 ? null : string.Join("; ", differences.Take(3)) + (differences.Count > 3 ? $"; and {differences.Count - 3} more" : "");
        }
        catch (Exception e) when (e is IOException or CorruptContentException or CryptographicException)
        {
            return $"it cannot be compared with its blob: {e.Message}";
        }
    });

    /// <summary>Fetches one blob again and puts it in the damaged one's place.</summary>
    private async Task RepairBlobAsync(ImageRecord image, Digest digest, long size, CancellationToken cancel)
    {
        var session = SessionOf(image);
        var blobs = stores.Images.Blobs;
        var isDocument = image.Documents.Any(document => document.Digest == digest);
        if (isDocument || digest == image.ConfigBlob.Digest)
        {
            var content = isDocument ? (await registry.GetManifestAsync(session, digest.Value, cancel)).Content : await registry.GetBlobAsync(session, digest, size, cancel);
            blobs.Forget(digest);
            blobs.Write(digest, content);
        }
        else
        {
            await registry.ReadBlobAsync(session, digest, size, async stream =>
            {
                var aside = blobs.Aside(digest);
                await LayerPipeline.ReceiveAsync(stream, new LayerDescriptor(digest, size, LayerCompression.None), aside, null, cancel);
                blobs.Publish(aside, digest, size);
            }, cancel);
        }
        await stores.Images.FlushAsync();
    }

    /// <summary>Unpacks one layer again and puts its tree in the damaged one's place.</summary>
    private async Task RepairTreeAsync(ImageRecord image, int n, CancellationToken cancel)
    {
        if (layersInUse().Contains(image.ChainIds[n]))
            throw new WrongStateException("a container stands on it: it can be repaired when that is removed");
        var layer = image.Layers[n];
        await using var blob = File.OpenRead(stores.Images.BlobPath(layer.Digest));
        using var ingest = stores.Snapshots.Begin();
        await pipeline.RunAsync(blob, layer, image.Config.DiffIds[n], null, ingest, null, cancel);
        await stores.Images.FlushAsync();
        var trash = await BlockingWork.RunAsync("repair", () => stores.Snapshots.Replace(ingest, image.ChainIds[n], n == 0 ? null : image.ChainIds[n - 1]));
        if (trash is not null)
            await BlockingWork.RunAsync("repair", () => DirectoryRemover.Remove(trash));
    }

    private async Task PullAsync(string name, CancellationToken cancel) => await puller.PullAsync(ImageReference.Parse(name), null, null, cancel);

    private RegistrySession SessionOf(ImageRecord image)
    {
        var name = image.RepoDigests.Count > 0 ? image.RepoDigests[0] : image.Tags.Count > 0 ? image.Tags[0]
            : throw new WrongStateException("the image has no name by which to fetch it again: remove it, and load it anew");
        return registry.Open(ImageReference.Parse(name), null);
    }
}
