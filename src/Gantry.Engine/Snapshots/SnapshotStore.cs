using System.Collections.Concurrent;
using System.Text.Json;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Linux.Files;
using Gantry.Persistence;
using Microsoft.Extensions.Logging;

namespace Gantry.Snapshots;

/// <summary>
/// The committed layer trees, by chain id, and their only writer. A tree that is there is whole: it is filled aside and
/// published by one rename. Safe for use from several threads at once.
/// </summary>
/// <remarks>
/// On disk: snapshots/sha256/HEX/{fs/, layer.json}, and snapshots/ingest/RANDOM/ while a layer is filled. The trees are
/// never written to once they are published; containers mount them read-only below their own layer.
/// </remarks>
public sealed class SnapshotStore(NodePaths paths, ILogger log)
{
    internal const string TreeName = "fs";
    private const string RecordName = "layer.json";
    private readonly ConcurrentDictionary<Digest, SnapshotRecord> _records = new();
    private readonly string _bootId = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    private string IngestFolder => $"{paths.Snapshots}/ingest";

    public bool Contains(Digest chainId) => _records.ContainsKey(chainId) || File.Exists(RecordPath(chainId));

    /// <summary>Where the layer's tree is, or would be.</summary>
    public string TreePath(Digest chainId) => $"{Folder(chainId)}/{TreeName}";

    /// <summary>A fresh folder for one layer's tree, on the same file system as the committed ones.</summary>
    public LayerIngest Begin()
    {
        Directory.CreateDirectory(IngestFolder);
        return new LayerIngest($"{IngestFolder}/{Guid.NewGuid():N}");
    }

    /// <summary>
    /// Publishes a filled tree: what its archive left open is settled from the layers below, which are there already. If
    /// another pull was first, its equal tree stays and this one goes.
    /// </summary>
    /// <param name="parent">The chain id of the layers below; null for the lowest layer.</param>
    /// <exception cref="CorruptContentException">It links to a file that no layer below has.</exception>
    public void Commit(LayerIngest ingest, Digest chainId, Digest? parent)
    {
        if (Contains(chainId))
            return;
        new LayerSettlement(ingest, Chain(parent), chainId).Run();
        var record = new SnapshotRecord { Parent = parent, Bytes = ingest.Bytes, Inodes = ingest.Inodes, BootId = _bootId };
        AtomicFile.Write($"{ingest.Folder}/{RecordName}", JsonSerializer.SerializeToUtf8Bytes(record, SnapshotJson.Default.SnapshotRecord));
        Directory.CreateDirectory($"{paths.Snapshots}/{chainId.Algorithm}");
        try
        {
            Directory.Move(ingest.Folder, Folder(chainId));
        }
        catch (IOException) when (Contains(chainId))
        {
            return;
        }
        ingest.Take();
        _records[chainId] = record;
        log.Committed(chainId, record.Bytes, record.Inodes);
    }

    /// <summary>Deletes a tree that no image and no container needs. None there is fine.</summary>
    public void Remove(Digest chainId)
    {
        _records.TryRemove(chainId, out _);
        var folder = Folder(chainId);
        if (!Directory.Exists(folder))
            return;
        Directory.CreateDirectory(paths.Trash);
        var trash = $"{paths.Trash}/layer-{Guid.NewGuid():N}";
        Directory.Move(folder, trash);
        DirectoryRemover.Remove(trash);
    }

    public IReadOnlyList<Digest> List()
    {
        var found = new List<Digest>();
        foreach (var algorithm in Directory.Exists(paths.Snapshots) ? Directory.GetDirectories(paths.Snapshots) : [])
        {
            foreach (var folder in Directory.GetDirectories(algorithm))
            {
                if (Digest.TryParse($"{Path.GetFileName(algorithm)}:{Path.GetFileName(folder)}", out var chainId))
                    found.Add(chainId);
            }
        }
        return found;
    }

    /// <summary>What the tree of this one layer takes; nothing for one that is not there.</summary>
    public SnapshotUsage Usage(Digest chainId) =>
        TryRead(chainId, out _) is { } record ? new SnapshotUsage(record.Bytes, record.Inodes) : default;

    /// <summary>At start, before any pull: deletes what an earlier run left unfinished.</summary>
    public void CleanLeftovers()
    {
        if (!Directory.Exists(IngestFolder))
            return;
        var folders = Directory.GetDirectories(IngestFolder);
        foreach (var folder in folders)
            DirectoryRemover.Remove(folder);
        if (folders.Length > 0)
            log.LeftoversRemoved(folders.Length);
    }

    /// <summary>
    /// As <see cref="CleanLeftovers()"/>, and deletes trees that may be torn: those of an earlier boot that belong to no
    /// published image. A pull flushes the file system before it publishes, so the trees of published images are whole.
    /// </summary>
    /// <param name="published">The chain ids of all images in the index.</param>
    public void CleanLeftovers(IReadOnlySet<Digest> published)
    {
        CleanLeftovers();
        foreach (var chainId in List())
        {
            var record = TryRead(chainId, out var cause);
            if (record is null)
                log.DamagedRemoved(chainId, cause);
            else if (record.BootId != _bootId && !published.Contains(chainId))
                log.UnflushedRemoved(chainId);
            else
                continue;
            Remove(chainId);
        }
    }

    /// <summary>The trees of a stack, highest first.</summary>
    private List<string> Chain(Digest? top)
    {
        var trees = new List<string>();
        for (var next = top; next is { } chainId;)
        {
            var record = TryRead(chainId, out var cause)
                ?? throw new WrongStateException($"layer {chainId} is not unpacked, and the layer on it was to be committed; pull the image again", cause);
            trees.Add(TreePath(chainId));
            next = record.Parent;
        }
        return trees;
    }

    private SnapshotRecord? TryRead(Digest chainId, out Exception? cause)
    {
        cause = null;
        if (_records.TryGetValue(chainId, out var known))
            return known;
        try
        {
            var read = JsonSerializer.Deserialize(File.ReadAllBytes(RecordPath(chainId)), SnapshotJson.Default.SnapshotRecord);
            return read is null ? null : _records.GetOrAdd(chainId, read);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException or InvalidRequestException)
        {
            cause = e;
            return null;
        }
    }

    private string Folder(Digest chainId) => $"{paths.Snapshots}/{chainId.Algorithm}/{chainId.Hex}";

    private string RecordPath(Digest chainId) => $"{Folder(chainId)}/{RecordName}";
}
