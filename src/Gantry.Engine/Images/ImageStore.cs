using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Images.Manifests;
using Gantry.Linux.Files;
using Gantry.Persistence;
using Gantry.Snapshots;
using Microsoft.Extensions.Logging;

namespace Gantry.Images;

/// <summary>
/// The node's images, kept as a standard OCI image layout that skopeo and umoci can read, with a list in memory. Blobs come
/// first, flushed; the index that makes them an image is replaced after that, so that a power cut leaves an image or none.
/// </summary>
public sealed class ImageStore(NodePaths paths, SnapshotStore snapshots, ILogger log)
{
    /// <summary>By which other tools know an image's full name.</summary>
    private const string NameAnnotation = "io.containerd.image.name";

    private const string TopAnnotation = "dev.gantry.resolved";
    private readonly Lock _write = new();
    private volatile ImmutableDictionary<Digest, ImageRecord> _all = ImmutableDictionary<Digest, ImageRecord>.Empty;

    public IReadOnlyCollection<ImageRecord> List() => [.. _all.Values];

    public int Count => _all.Count;

    public string BlobPath(Digest digest) => $"{paths.Images}/blobs/{digest.Algorithm}/{digest.Hex}";

    /// <summary>Where downloads are written until they are whole.</summary>
    public string IngestFolder => $"{paths.Images}/ingest";

    /// <summary>Reads the layout; an image that lacks a blob or a layer's tree is left out, and a pull repairs it.</summary>
    public void Open()
    {
        Directory.CreateDirectory($"{paths.Images}/blobs/sha256");
        if (Directory.Exists(IngestFolder))
            DirectoryRemover.Remove(IngestFolder);
        Directory.CreateDirectory(IngestFolder);
        if (!File.Exists($"{paths.Images}/oci-layout"))
            AtomicFile.Write($"{paths.Images}/oci-layout", """{"imageLayoutVersion":"1.0.0"}""");
        var images = ImmutableDictionary.CreateBuilder<Digest, ImageRecord>();
        foreach (var (top, names) in ReadIndex())
        {
            try
            {
                var record = Load(top, names);
                images[record.Id] = images.TryGetValue(record.Id, out var other) ? Merge(other, record) : record;
            }
            catch (Exception e) when (e is GantryException or IOException)
            {
                log.ImageDamaged(top, e);
            }
        }
        _all = images.ToImmutable();
        snapshots.CleanLeftovers(_all.Values.SelectMany(image => image.ChainIds).ToHashSet());
    }

    /// <summary>The image of an id, an id's prefix, or a reference; null where there is none.</summary>
    public ImageRecord? Find(string text)
    {
        var all = _all;
        var hex = text.StartsWith("sha256:", StringComparison.Ordinal) ? text[7..] : text;
        if (hex.Length is >= 8 and <= 64 && hex.All(char.IsAsciiHexDigitLower))
        {
            var fitting = all.Values.Where(image => image.Id.Hex.StartsWith(hex, StringComparison.Ordinal)).Take(2).ToList();
            if (fitting.Count == 1)
                return fitting[0];
        }
        if (ImageReference.TryParse(text, out _) is not { } reference)
            return null;
        return reference.Digest is { } digest
            ? all.Values.FirstOrDefault(image => image.RepoDigests.Contains($"{reference.Name}@{digest.Value}"))
            : all.Values.FirstOrDefault(image => image.Tags.Contains($"{reference.Name}:{reference.Tag}"));
    }

    /// <summary>Adds an image, or names to one; a tag that another image had moves.</summary>
    /// <exception cref="IOException">The disk refused; the store is as it was.</exception>
    public ImageRecord Put(ImageRecord image)
    {
        lock (_write)
        {
            var all = _all;
            foreach (var other in all.Values.Where(other => other.Id != image.Id && other.Tags.Intersect(image.Tags).Any()))
                all = all.SetItem(other.Id, other with { Tags = [.. other.Tags.Except(image.Tags)] });
            var record = all.TryGetValue(image.Id, out var before) ? Merge(before, image) : image;
            all = all.SetItem(image.Id, record);
            // Blobs and trees first: the index must never name what a power cut could take.
            DiskSpace.Flush(paths.Images);
            WriteIndex(all.Values);
            _all = all;
            return record;
        }
    }

    /// <summary>Forgets an image. Its blobs go, but for those that others share; its trees are the caller's.</summary>
    public void Remove(Digest id)
    {
        lock (_write)
        {
            if (!_all.TryGetValue(id, out var image))
                return;
            var rest = _all.Remove(id);
            WriteIndex(rest.Values);
            _all = rest;
            var shared = rest.Values.SelectMany(other => other.Blobs).ToHashSet();
            foreach (var blob in image.Blobs.Where(blob => !shared.Contains(blob)))
                File.Delete(BlobPath(blob));
        }
    }

    private static ImageRecord Merge(ImageRecord before, ImageRecord added) => before with
    {
        Tags = [.. before.Tags.Union(added.Tags)],
        RepoDigests = [.. before.RepoDigests.Union(added.RepoDigests)],
        Blobs = [.. before.Blobs.Union(added.Blobs)],
    };

    private ImageRecord Load(Digest top, IReadOnlyList<string> names)
    {
        var document = File.ReadAllBytes(BlobPath(top));
        var blobs = new List<Digest> { top };
        var manifestDigest = top;
        if (ManifestReader.IsIndex(ManifestReader.MediaTypeOf(document, "", top.Value)))
        {
            manifestDigest = HostPlatform.Choose(ManifestReader.ReadIndex(document, top.Value), top.Value).Digest;
            document = File.ReadAllBytes(BlobPath(manifestDigest));
            blobs.Add(manifestDigest);
        }
        var manifest = ManifestReader.ReadManifest(document, manifestDigest.Value);
        var config = ManifestReader.ReadConfig(File.ReadAllBytes(BlobPath(manifest.Config.Digest)), manifest.Layers.Count, manifest.Config.Digest.Value);
        blobs.Add(manifest.Config.Digest);
        blobs.AddRange(manifest.Layers.Select(layer => layer.Digest));
        var chainIds = ChainId.Of(config.DiffIds);
        if (blobs.Find(blob => !File.Exists(BlobPath(blob))) is { } missing && missing != default)
            throw new CorruptContentException($"blob {missing.Short} is missing");
        if (!chainIds.All(snapshots.Contains))
            throw new CorruptContentException("an unpacked layer is missing");
        return new ImageRecord
        {
            Id = manifest.Config.Digest,
            ManifestDigest = manifestDigest,
            Tags = [.. names.Where(name => !name.Contains('@'))],
            RepoDigests = [.. names.Where(name => name.Contains('@'))],
            Size = manifest.Layers.Sum(layer => layer.Size) + manifest.Config.Size + document.Length,
            Config = config,
            ChainIds = chainIds,
            Blobs = blobs,
        };
    }

    /// <summary>By the digest that each entry names, all of its names; an index that cannot be read is set aside.</summary>
    private Dictionary<Digest, List<string>> ReadIndex()
    {
        var entries = new Dictionary<Digest, List<string>>();
        var path = $"{paths.Images}/index.json";
        if (!File.Exists(path))
            return entries;
        try
        {
            foreach (var entry in JsonNode.Parse(File.ReadAllText(path))?["manifests"] as JsonArray ?? [])
            {
                if (!Digest.TryParse((string?)entry?["digest"], out var digest))
                    continue;
                if (!entries.TryGetValue(digest, out var names))
                    entries.Add(digest, names = []);
                if ((string?)entry!["annotations"]?[NameAnnotation] is { } name)
                    names.Add(name);
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            log.IndexUnreadable(path, e);
            File.Move(path, $"{path}.broken", overwrite: true);
        }
        return entries;
    }

    private void WriteIndex(IEnumerable<ImageRecord> images)
    {
        var manifests = new JsonArray();
        foreach (var image in images)
        {
            foreach (var name in image.Tags.Concat(image.RepoDigests))
                manifests.Add((JsonNode)Entry(image, name));
        }
        var index = new JsonObject { ["schemaVersion"] = 2, ["mediaType"] = "application/vnd.oci.image.index.v1+json", ["manifests"] = manifests };
        AtomicFile.Write($"{paths.Images}/index.json", index.ToJsonString());
        DiskSpace.Flush(paths.Images);
    }

    private JsonObject Entry(ImageRecord image, string name)
    {
        // The digest that the registry was asked by, an index's where there was one: repository digests stay what they were.
        var resolved = name.Contains('@') ? Digest.Parse(name[(name.IndexOf('@', StringComparison.Ordinal) + 1)..]) : image.Blobs[0];
        if (!image.Blobs.Contains(resolved))
            resolved = image.Blobs[0];
        var document = File.ReadAllBytes(BlobPath(resolved));
        return new JsonObject
        {
            ["mediaType"] = ManifestReader.MediaTypeOf(document, "", resolved.Value),
            ["digest"] = resolved.Value,
            ["size"] = document.Length,
            ["annotations"] = new JsonObject { ["org.opencontainers.image.ref.name"] = name, [NameAnnotation] = name, [TopAnnotation] = image.Blobs[0].Value },
        };
    }
}
