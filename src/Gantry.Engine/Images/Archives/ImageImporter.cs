using System.Text.Json;
using System.Text.Json.Nodes;
using Gantry.Concurrency;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Images.Manifests;
using Gantry.Images.Pulling;
using Gantry.Images.Store;
using Gantry.Images.Unpacking;
using Gantry.Linux;
using Microsoft.Extensions.Logging;

namespace Gantry.Images.Archives;

/// <summary>How an archive's images are taken over.</summary>
/// <param name="Name">For images whose archive names none, or a tag alone: a repository, or a whole name. Empty for none.</param>
/// <param name="Pin">They are never collected.</param>
public sealed record ImportOptions(string Name, bool Pin);

/// <summary>
/// Takes images from an archive, front to back, as it arrives: OCI layouts in a tar, and what docker save has written since
/// its beginning. Everything is verified as a pull is: blobs by their digests, layers by the diff ids of the configuration.
/// </summary>
public sealed class ImageImporter(ImageStores stores, LayerFetcher layers, ImagePuller puller, TimeProvider time, ILogger log)
{
    /// <summary>Imports all images of an archive that are made for this node.</summary>
    /// <param name="source">The archive; read asynchronously, to its end.</param>
    /// <exception cref="CorruptContentException">It is damaged, or no archive of images.</exception>
    /// <exception cref="NotFoundException">No image in it is made for this node.</exception>
    public async Task<IReadOnlyList<ImageRecord>> ImportAsync(Stream source, ImportOptions options, CancellationToken cancel)
    {
        using var contents = new ArchiveContents(stores.Images, stores.Snapshots.Leases);
        try
        {
            await ReadAsync(contents, source, cancel);
            var found = contents.Document(ImageLayout.IndexFile) is { } index && contents.Document(ImageLayout.VersionFile) is not null
                ? await FromLayoutAsync(contents, index, options)
                : contents.Document("manifest.json") is { } manifest
                    ? await FromDockerAsync(contents, manifest, options)
                    : throw new CorruptContentException("the archive has neither index.json nor manifest.json: it is no archive of images");
            var imported = new List<ImageRecord>();
            foreach (var (resolved, names) in found)
                imported.Add(await StoreAsync(resolved, names, options.Pin, cancel));
            log.ImagesImported(string.Join(", ", imported.Select(image => image.Names.Count > 0 ? image.Names[0].Text : image.Id.Value)), "an archive");
            return imported;
        }
        finally
        {
            var needed = new Lazy<HashSet<Digest>>(() => [.. stores.Images.List().SelectMany(image => image.Contents)]);
            // What the archive held besides images; what belongs to one is needed.
            contents.Dispose();
            foreach (var path in stores.Images.Blobs.Retire([.. contents.Blobs.Distinct()], blob => needed.Value.Contains(blob)))
                File.Delete(path);
        }
    }

    /// <summary>Whether the node has an image of that id.</summary>
    internal bool IsHere(string id) => stores.Images.Find(id) is not null;

    private static async Task ReadAsync(ArchiveContents contents, Stream source, CancellationToken cancel)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var ring = new BlockRing();
        var receiving = PumpAsync(source, ring, stop.Token);
        try
        {
            await BlockingWork.RunAsync("import", () =>
            {
                using var reader = new BlobReader(ring, null, "", stop.Token);
                contents.Read(reader, stop.Token);
            });
        }
        catch (IOException e) when (e.InnerException is { } cause and not Linux.SyscallException)
        {
            cancel.ThrowIfCancellationRequested();
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(cause);
        }
        catch (Exception e) when (Exhaustion.IsDisk(e))
        {
            throw new ResourceExhaustedException($"the archive could not be stored: {e.Message}; free some space", e);
        }
        finally
        {
            await stop.CancelAsync();
            await receiving;
        }
    }

    /// <summary>Ends the ring whatever happens, and so throws nothing.</summary>
    private static async Task PumpAsync(Stream source, BlockRing ring, CancellationToken cancel)
    {
        try
        {
            int read;
            do
            {
                read = await source.ReadAsync(await ring.RentAsync(cancel), cancel);
                ring.Publish(read);
            }
            while (read > 0);
        }
        catch (Exception e)
        {
            ring.Fail(e);
        }
    }

    private async Task<List<(ResolvedImage, IReadOnlyList<ImageName>)>> FromLayoutAsync(ArchiveContents contents, byte[] index, ImportOptions options)
    {
        var found = new Dictionary<Digest, (ResolvedImage, List<ImageName>)>();
        var missed = new List<string>();
        foreach (var entry in ImageLayout.Read(index, "the archive's index.json"))
        {
            try
            {
                var top = Blob(contents, entry.Document);
                var resolved = await ResolvedImage.FollowAsync(
                    top, entry.Document.Digest, "", document => Task.FromResult(Blob(contents, document)), config => Task.FromResult(Blob(contents, config)), stores.Limits, "the archive's image");
                var (_, names) = found.TryGetValue(entry.Document.Digest, out var known) ? known : found[entry.Document.Digest] = (resolved, []);
                names.AddRange(NamesOf(entry.Name, options.Name, entry.Document.Digest));
            }
            catch (NotFoundException e)
            {
                missed.Add(e.Message);
            }
        }
        return found.Count > 0
            ? [.. found.Values.Select(image => (image.Item1, (IReadOnlyList<ImageName>)[.. image.Item2.Distinct()]))]
            : throw new NotFoundException(missed.Count > 0 ? string.Join("; ", missed) : "the archive's index names no image");
    }

    private byte[] Blob(ArchiveContents contents, Descriptor document)
    {
        contents.File($"blobs/{document.Digest.Algorithm}/{document.Digest.Hex}");
        return document.Size <= ManifestReader.SizeLimit ? stores.Images.Blobs.Read(document.Digest) : throw new CorruptContentException($"document {document.Digest} is too large");
    }

    private async Task<List<(ResolvedImage, IReadOnlyList<ImageName>)>> FromDockerAsync(ArchiveContents contents, byte[] manifest, ImportOptions options)
    {
        var found = new List<(ResolvedImage, IReadOnlyList<ImageName>)>();
        foreach (var image in DockerArchive.Read(manifest))
        {
            var config = contents.File(image.Config);
            var converted = DockerArchive.Convert(config, [.. image.Layers.Select(contents.File)], digest => stores.Images.BlobPath(digest));
            var digest = Digest.Compute(converted);
            var resolved = await ResolvedImage.FollowAsync(
                converted, digest, ManifestReader.ManifestType, _ => throw new CorruptContentException("a manifest leads to another"),
                one => Task.FromResult(stores.Images.Blobs.Read(one.Digest)), stores.Limits, "the archive's image");
            found.Add((resolved, [.. image.Tags.DefaultIfEmpty("").SelectMany(tag => NamesOf(tag, options.Name, digest)).Distinct()]));
        }
        return found;
    }

    /// <summary>The names of an image: the archive's, or the caller's where that has none or a tag alone.</summary>
    private static IEnumerable<ImageName> NamesOf(string name, string given, Digest digest)
    {
        var isTagAlone = name.Length > 0 && !name.Contains('/', StringComparison.Ordinal) && !name.Contains(':', StringComparison.Ordinal);
        var text = name.Length == 0 ? given : isTagAlone ? given.Length > 0 ? $"{given}:{name}" : "" : name;
        if (text.Length == 0 || ImageReference.TryParse(text, out _) is not { } reference)
            return [];
        return ImagePuller.NamesOf(reference, reference.Digest ?? digest) is var names && reference.Digest is { } other && other != digest
            ? names.Where(one => !one.IsDigest)
            : names;
    }

    private async Task<ImageRecord> StoreAsync(ResolvedImage resolved, IReadOnlyList<ImageName> names, bool pin, CancellationToken cancel)
    {
        var record = resolved.ToRecord(names, pin, "");
        using var held = stores.Snapshots.Leases.Hold(record.Contents);
        var report = new PullReport([.. record.Layers.Select(layer => (layer.Digest, layer.Size))], new Ignored(), time);
        await layers.FetchAsync(resolved, (layer, _, _) => throw new CorruptContentException($"the archive lacks layer {layer.Digest}, or has a damaged one"), report, cancel);
        return await puller.StoreAsync(resolved, record);
    }

    private sealed class Ignored : IProgress<PullProgress>
    {
        public void Report(PullProgress value)
        {
        }
    }
}

/// <summary>The archives of docker save: a list of images by file names (moby, image/tarexport).</summary>
internal static class DockerArchive
{
    public sealed record Image(string Config, IReadOnlyList<string> Tags, IReadOnlyList<string> Layers);

    /// <exception cref="CorruptContentException">It is no such list.</exception>
    public static IReadOnlyList<Image> Read(byte[] manifest)
    {
        try
        {
            using var json = JsonDocument.Parse(manifest, new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false });
            return [.. json.RootElement.EnumerateArray().Select(item => new Image(
                item.GetProperty("Config").GetString() ?? "", Texts(item, "RepoTags"), Texts(item, "Layers")))];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new CorruptContentException($"the archive's manifest.json is none: {e.Message}", e);
        }
    }

    /// <summary>The manifest that a registry would have for such an image.</summary>
    public static byte[] Convert((Digest Digest, long Size) config, IReadOnlyList<(Digest Digest, long Size)> layers, Func<Digest, string> pathOf) => JsonBytes.Of(new JsonObject
    {
        ["schemaVersion"] = 2,
        ["mediaType"] = ManifestReader.ManifestType,
        ["config"] = Descriptor("application/vnd.oci.image.config.v1+json", config),
        ["layers"] = new JsonArray([.. layers.Select(layer => (JsonNode)Descriptor(TypeOf(pathOf(layer.Digest)), layer))]),
    });

    private static JsonObject Descriptor(string type, (Digest Digest, long Size) blob) => new() { ["mediaType"] = type, ["digest"] = blob.Digest.Value, ["size"] = blob.Size };

    /// <summary>The archive does not say how a layer is packed; its first bytes do.</summary>
    private static string TypeOf(string path)
    {
        var head = new byte[4];
        using var file = File.OpenRead(path);
        _ = file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        return "application/vnd.oci.image.layer.v1.tar" + (head is [0x1F, 0x8B, ..] ? "+gzip" : head is [0x28, 0xB5, 0x2F, 0xFD] ? "+zstd" : "");
    }

    private static List<string> Texts(JsonElement item, string name) => item.TryGetProperty(name, out var list) && list.ValueKind is JsonValueKind.Array
        ? [.. list.EnumerateArray().Where(text => text.ValueKind is JsonValueKind.String).Select(text => text.GetString()!)]
        : [];
}
