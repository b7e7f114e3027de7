using System.Collections.Immutable;
using Gantry.Concurrency;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Images.Manifests;
using Gantry.Linux;
using Gantry.Linux.Files;
using Gantry.Persistence;
using Gantry.Snapshots;
using Microsoft.Extensions.Logging;

namespace Gantry.Images.Store;

/// <summary>An image that somebody is about to use: while this is held, none of it is deleted.</summary>
public sealed class ImageUse(ImageRecord image, IDisposable lease) : IDisposable
{
    public ImageRecord Image { get; } = image;

    public void Dispose() => lease.Dispose();
}

/// <summary>
/// The node's images, kept as a standard OCI image layout that skopeo and umoci can read, with a list in memory. Blobs and
/// trees come first, flushed; the index that makes them an image is replaced after that, so that a power cut leaves an
/// image or none. One change at a time; readers never wait.
/// </summary>
public sealed class ImageStore(NodePaths paths, SnapshotStore snapshots, ImageLimits limits, ILogger log)
{
    private readonly SemaphoreSlim _write = new(1, 1);
    private readonly GroupFlush _flush = new(paths.Images);
    private readonly GroupFlush _flushTrees = new(paths.Snapshots);
    private volatile ImmutableDictionary<Digest, ImageRecord> _all = ImmutableDictionary<Digest, ImageRecord>.Empty;
    private volatile ImmutableList<LayoutEntry> _damaged = [];
    private bool _isIndexOld;

    /// <summary>Whether blobs and layers are on two file systems; known once the store is open.</summary>
    internal bool IsSplit { get; private set; }

    public BlobStore Blobs { get; } = new(paths, snapshots.Leases);

    public IReadOnlyCollection<ImageRecord> List() => [.. _all.Values];

    public int Count => _all.Count;

    /// <summary>Names in the index whose image is not whole, so that it counts as absent; a pull or a repair brings it back.</summary>
    public IReadOnlyList<string> DamagedNames => [.. _damaged.Select(entry => entry.Name).Where(name => name.Length > 0)];

    public string BlobPath(Digest digest) => Blobs.PathOf(digest);

    /// <summary>Reads the layout; an image that lacks a blob or a layer's tree is left out, and a pull repairs it.</summary>
    public async Task OpenAsync()
    {
        Blobs.CleanLeftovers();
        Directory.CreateDirectory(paths.Snapshots);
        IsSplit = DeviceOf(paths.Images) != DeviceOf(paths.Snapshots);
        var version = $"{paths.Images}/{ImageLayout.VersionFile}";
        if (!File.Exists(version))
            AtomicFile.Write(version, ImageLayout.Version);
        var images = ImmutableDictionary.CreateBuilder<Digest, ImageRecord>();
        var damaged = ImmutableList.CreateBuilder<LayoutEntry>();
        foreach (var entry in ReadIndex())
        {
            try
            {
                var record = await LoadAsync(entry);
                images[record.Id] = images.TryGetValue(record.Id, out var other) ? other.Merged(record) : record;
            }
            catch (Exception e) when (e is GantryException or IOException)
            {
                log.ImageDamaged(entry.Name, entry.Document.Digest, e);
                damaged.Add(entry);
            }
        }
        foreach (var (digest, size) in images.Values.SelectMany(image => image.Blobs))
            Blobs.Know(digest, size);
        _all = images.ToImmutable();
        _damaged = damaged.ToImmutable();
        snapshots.CleanLeftovers(_all.Values.SelectMany(image => image.ChainIds).ToHashSet());
    }

    /// <summary>The image of an id, an id's prefix, or a reference; null where there is none.</summary>
    public ImageRecord? Find(string text)
    {
        var all = _all;
        var hex = text.StartsWith("sha256:", StringComparison.Ordinal) ? text[7..] : text;
        if (hex.Length is >= 8 and <= 64 && hex.All(char.IsAsciiHexDigitLower))
        {
            if (Digest.TryParse($"sha256:{hex}", out var id) && all.TryGetValue(id, out var exact))
                return exact;
            var fitting = all.Values.Where(image => image.Id.Hex.StartsWith(hex, StringComparison.Ordinal)).Take(2).ToList();
            if (fitting.Count == 1)
                return fitting[0];
        }
        if (ImageReference.TryParse(text, out _) is not { } reference)
            return null;
        if (reference.Digest is not { } digest)
            return all.Values.FirstOrDefault(image => HasName(image, $"{reference.Name}:{reference.Tag}"));
        // Also by the manifest's digest where the name led through an index: both are the image.
        return all.Values.FirstOrDefault(image => HasName(image, $"{reference.Name}@{digest.Value}"))
            ?? all.Values.FirstOrDefault(image => image.Documents.Any(document => document.Digest == digest)
                && image.Names.Any(name => name.Text.StartsWith(reference.Name + "@", StringComparison.Ordinal)));
    }

    /// <summary>Finds an image and holds it, so that none of it is deleted until the use is disposed; null where there is none.</summary>
    public ImageUse? Use(string text)
    {
        while (Find(text) is { } image)
        {
            var lease = snapshots.Leases.Hold(image.Contents);
            // A removal may have come between the look and the lease.
            if (_all.TryGetValue(image.Id, out var now) && now.ChainIds.SequenceEqual(image.ChainIds))
            {
                if (now.ChainIds.All(snapshots.Contains))
                    return new ImageUse(now, lease);
                lease.Dispose();
                return null;
            }
            lease.Dispose();
        }
        return null;
    }

    /// <summary>
    /// Adds an image, or names to one; a tag that another image had moves. When this returns, the image survives a power
    /// cut. The caller holds the image's contents.
    /// </summary>
    /// <exception cref="IOException">The disk refused; the store is as it was.</exception>
    /// <exception cref="SyscallException">The disk failed while flushing; the store is as it was.</exception>
    public async Task<ImageRecord> PutAsync(ImageRecord image)
    {
        if (_all.TryGetValue(image.Id, out var same) && IsKnown(same, image))
            return same;
        // Blobs and trees first, and outside of the lock: the index must never name what a power cut could take.
        await FlushAsync();
        return await ChangeAsync(() =>
        {
            var all = _all;
            foreach (var other in all.Values.Where(other => other.Id != image.Id && other.Names.Any(name => !name.IsDigest && HasName(image, name.Text))))
                all = all.SetItem(other.Id, other with { Names = [.. other.Names.Where(name => name.IsDigest || !HasName(image, name.Text))] });
            var record = all.TryGetValue(image.Id, out var before) ? before.Merged(image) : image;
            all = all.SetItem(image.Id, record);
            var damaged = _damaged.RemoveAll(entry => HasName(image, entry.Name) || image.Documents.Any(document => document.Digest == entry.Document.Digest));
            WriteIndex(all.Values, damaged);
            _all = all;
            _damaged = damaged;
            return record;
        });
    }

    /// <summary>Completes when every blob and tree that was written before is on the disk.</summary>
    /// <exception cref="SyscallException">The disk failed.</exception>
    internal async Task FlushAsync()
    {
        await _flush.RunAsync();
        if (IsSplit)
            await _flushTrees.RunAsync();
    }

    /// <summary>Forgets an image and all of its names; null where there is none. Blobs and trees are the collector's.</summary>
    public Task<ImageRecord?> RemoveAsync(string text) => ChangeAsync(() =>
    {
        var image = Find(text);
        var name = ImageReference.TryParse(text, out _)?.ToString();
        var damaged = _damaged.RemoveAll(entry => entry.Name == name);
        var rest = image is null ? _all : _all.Remove(image.Id);
        if (image is null && damaged.Count == _damaged.Count)
            return null;
        // On a full disk even this may fail: then the space is freed first, and the index written after.
        _isIndexOld = !TryWriteIndex(rest.Values, damaged);
        _all = rest;
        _damaged = damaged;
        return image;
    });

    /// <summary>Writes the index that a full disk kept from being written.</summary>
    /// <exception cref="IOException">There is still no room.</exception>
    public Task CatchUpAsync() => ChangeAsync(() =>
    {
        if (_isIndexOld)
            WriteIndex(_all.Values, _damaged);
        return true;
    });

    /// <summary>Changes an image's record, as its names or its pin.</summary>
    /// <exception cref="NotFoundException">There is no such image.</exception>
    public Task<ImageRecord> UpdateAsync(string text, Func<ImageRecord, ImageRecord> change) => ChangeAsync(() =>
    {
        var image = Find(text) ?? throw new NotFoundException($"image {text} is not on this node");
        var changed = change(image);
        var all = _all.SetItem(image.Id, changed);
        WriteIndex(all.Values, _damaged);
        _all = all;
        return changed;
    });

    private static (uint, uint) DeviceOf(string path) => FileStatus.TryGet(path) is { } status ? (status.DeviceMajor, status.DeviceMinor) : default;

    private static bool HasName(ImageRecord image, string name) => image.Names.Any(own => own.Text == name);

    /// <summary>Whether the store has all of it already, so that nothing needs to be written.</summary>
    private static bool IsKnown(ImageRecord known, ImageRecord image) =>
        image.Names.All(known.Names.Contains) && known.ManifestDigest == image.ManifestDigest && known.Trust == image.Trust && (image.Private || !known.Private) && (known.Pinned || !image.Pinned);

    private async Task<T> ChangeAsync<T>(Func<T> change)
    {
        await _write.WaitAsync();
        try
        {
            return await BlockingWork.RunAsync("images", change);
        }
        finally
        {
            _write.Release();
        }
    }

    private async Task<ImageRecord> LoadAsync(LayoutEntry entry)
    {
        var resolved = await ResolvedImage.FollowAsync(
            ReadWhole(entry.Document), entry.Document.Digest, "", document => Task.FromResult(ReadWhole(document)), config => Task.FromResult(ReadWhole(config)),
            limits, entry.Document.Digest.Value);
        // A length is cheap to ask for, and a power cut's usual damage is a file of no length.
        foreach (var layer in resolved.Manifest.Layers)
        {
            if (Blobs.SizeOnDisk(layer.Digest) != layer.Size)
                throw new CorruptContentException($"layer blob {layer.Digest.Short} is missing or cut");
        }
        foreach (var chainId in resolved.ChainIds)
        {
            if (!snapshots.Contains(chainId))
                throw new CorruptContentException($"the tree of layer {chainId.Short} is missing");
        }
        return resolved.ToRecord(entry.Name.Length > 0 ? [new ImageName(entry.Name, entry.Document.Digest)] : [], entry.Pinned, entry.Trust) with { Private = entry.Private };
    }

    /// <summary>Documents are small: they are hashed whenever they are read at start.</summary>
    private byte[] ReadWhole(Descriptor document)
    {
        var content = Blobs.Read(document.Digest);
        return document.Digest.ComputeAlike(content) == document.Digest
            ? content
            : throw new CorruptContentException($"document {document.Digest.Short} is damaged");
    }

    /// <summary>An index that cannot be read is set aside.</summary>
    private IReadOnlyList<LayoutEntry> ReadIndex()
    {
        var path = $"{paths.Images}/{ImageLayout.IndexFile}";
        if (!File.Exists(path))
            return [];
        try
        {
            return ImageLayout.Read(File.ReadAllBytes(path), path);
        }
        catch (CorruptContentException e)
        {
            log.IndexUnreadable(path, e);
            File.Move(path, $"{path}.broken", overwrite: true);
            return [];
        }
    }

    private bool TryWriteIndex(IEnumerable<ImageRecord> images, IReadOnlyList<LayoutEntry> damaged)
    {
        try
        {
            WriteIndex(images, damaged);
            return true;
        }
        catch (Exception e) when (Exhaustion.IsDisk(e))
        {
            return false;
        }
    }

    private void WriteIndex(IEnumerable<ImageRecord> images, IReadOnlyList<LayoutEntry> damaged)
    {
        AtomicFile.WriteFlushed($"{paths.Images}/{ImageLayout.IndexFile}", ImageLayout.Write(images.OrderBy(image => image.Id.Value, StringComparer.Ordinal), damaged));
        _isIndexOld = false;
    }
}
