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
/// published by one rename. What is there, and what it takes, is answered from memory. Safe for use from several threads.
/// </summary>
/// <remarks>
/// On disk: snapshots/sha256/HEX/{fs/, layer.json}, and snapshots/ingest/RANDOM/ while a layer is filled. The trees are
/// never written to once they are published; containers mount them read-only below their own layer.
/// </remarks>
public sealed class SnapshotStore
{
    internal const string TreeName = "fs";
    private const string RecordName = "layer.json";
    private readonly NodePaths _paths;
    private readonly ILogger _log;
    private readonly ConcurrentDictionary<Digest, SnapshotRecord> _records = new();
    private readonly string _bootId = NodeClock.ReadBootId();
    private long _bytes;
    private long _inodes;

    public SnapshotStore(NodePaths paths, ILogger log, ContentLeases? leases = null)
    {
        _paths = paths;
        _log = log;
        Leases = leases ?? new ContentLeases();
        foreach (var chainId in ListFolders())
        {
            if (Read(chainId, out _) is { } record)
                Add(chainId, record);
        }
    }

    /// <summary>Who counts on which layers and blobs.</summary>
    public ContentLeases Leases { get; }

    /// <summary>What all trees take.</summary>
    public SnapshotUsage Total => new(Interlocked.Read(ref _bytes), Interlocked.Read(ref _inodes));

    private string IngestFolder => $"{_paths.Snapshots}/ingest";

    public bool Contains(Digest chainId) => _records.ContainsKey(chainId);

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
        var record = Settle(ingest, chainId, parent);
        Directory.CreateDirectory($"{_paths.Snapshots}/{chainId.Algorithm}");
        try
        {
            Directory.Move(ingest.Folder, Folder(chainId));
        }
        catch (IOException) when (Contains(chainId))
        {
            return;
        }
        ingest.Take();
        Add(chainId, record);
        _log.Committed(chainId, record.Bytes, record.Inodes);
    }

    /// <summary>
    /// Puts a newly unpacked tree in the place of a damaged one, in one step; answers where the old one is now, for the
    /// caller to delete; null where there was none. Mounts that stand on the old one go on with it.
    /// </summary>
    public string? Replace(LayerIngest ingest, Digest chainId, Digest? parent)
    {
        if (!Directory.Exists(Folder(chainId)))
        {
            Forget(chainId);
            Commit(ingest, chainId, parent);
            return null;
        }
        var record = Settle(ingest, chainId, parent);
        RegularFile.Exchange(ingest.Folder, Folder(chainId));
        Forget(chainId);
        Add(chainId, record);
        // The ingest's folder holds the damaged tree now.
        ingest.Take();
        var trash = TrashPath();
        Directory.Move(ingest.Folder, trash);
        return trash;
    }

    /// <summary>
    /// Takes trees out of the store that nobody needs and nobody holds; answers where they are now, for the caller to
    /// delete on a thread of its own.
    /// </summary>
    /// <param name="isNeeded">Asked under the leases' gate.</param>
    public IReadOnlyList<string> Retire(IEnumerable<Digest> chainIds, Func<Digest, bool> isNeeded)
    {
        var retired = new List<string>();
        lock (Leases.Gate)
        {
            foreach (var chainId in chainIds)
            {
                if (Leases.IsHeld(chainId) || isNeeded(chainId))
                    continue;
                Forget(chainId);
                if (!Directory.Exists(Folder(chainId)))
                    continue;
                var trash = TrashPath();
                Directory.Move(Folder(chainId), trash);
                retired.Add(trash);
            }
        }
        return retired;
    }

    /// <summary>Deletes a tree that no image and no container needs. None there is fine.</summary>
    public void Remove(Digest chainId)
    {
        foreach (var trash in Retire([chainId], _ => false))
            DirectoryRemover.Remove(trash);
    }

    public IReadOnlyList<Digest> List() => [.. _records.Keys];

    /// <summary>What the tree of this one layer takes; nothing for one that is not there.</summary>
    public SnapshotUsage Usage(Digest chainId) =>
        _records.TryGetValue(chainId, out var record) ? new SnapshotUsage(record.Bytes, record.Inodes) : default;

    /// <summary>The chain id below; null for the lowest layer, and for one that is not there.</summary>
    public Digest? ParentOf(Digest chainId) => _records.TryGetValue(chainId, out var record) ? record.Parent : null;

    /// <summary>At start, before any pull: deletes what an earlier run left unfinished.</summary>
    public void CleanLeftovers()
    {
        if (!Directory.Exists(IngestFolder))
            return;
        var folders = Directory.GetDirectories(IngestFolder);
        foreach (var folder in folders)
            DirectoryRemover.Remove(folder);
        if (folders.Length > 0)
            _log.LeftoversRemoved(folders.Length);
    }

    /// <summary>
    /// As <see cref="CleanLeftovers()"/>, and deletes trees that may be torn: those of an earlier boot that belong to no
    /// published image. A pull flushes the file system before it publishes, so the trees of published images are whole.
    /// </summary>
    /// <param name="published">The chain ids of all images in the index.</param>
    public void CleanLeftovers(IReadOnlySet<Digest> published)
    {
        CleanLeftovers();
        foreach (var chainId in ListFolders())
        {
            var record = Read(chainId, out var cause);
            if (record is null)
                _log.DamagedRemoved(chainId, cause);
            else if (record.BootId != _bootId && !published.Contains(chainId))
                _log.UnflushedRemoved(chainId);
            else
                continue;
            Remove(chainId);
        }
    }

    private SnapshotRecord Settle(LayerIngest ingest, Digest chainId, Digest? parent)
    {
        new LayerSettlement(ingest, Chain(parent), chainId).Run();
        var record = new SnapshotRecord { Parent = parent, Bytes = ingest.Bytes, Inodes = ingest.Inodes, BootId = _bootId };
        AtomicFile.Write($"{ingest.Folder}/{RecordName}", JsonSerializer.SerializeToUtf8Bytes(record, SnapshotJson.Default.SnapshotRecord));
        return record;
    }

    /// <summary>The trees of a stack, highest first.</summary>
    private List<string> Chain(Digest? top)
    {
        var trees = new List<string>();
        for (var next = top; next is { } chainId;)
        {
            if (!_records.TryGetValue(chainId, out var record))
                throw new WrongStateException($"layer {chainId} is not unpacked, and the layer on it was to be committed; pull the image again");
            trees.Add(TreePath(chainId));
            next = record.Parent;
        }
        return trees;
    }

    private void Add(Digest chainId, SnapshotRecord record)
    {
        if (!_records.TryAdd(chainId, record))
            return;
        Interlocked.Add(ref _bytes, record.Bytes);
        Interlocked.Add(ref _inodes, record.Inodes);
    }

    private void Forget(Digest chainId)
    {
        if (!_records.TryRemove(chainId, out var record))
            return;
        Interlocked.Add(ref _bytes, -record.Bytes);
        Interlocked.Add(ref _inodes, -record.Inodes);
    }

    private List<Digest> ListFolders()
    {
        var found = new List<Digest>();
        foreach (var algorithm in Directory.Exists(_paths.Snapshots) ? Directory.GetDirectories(_paths.Snapshots) : [])
        {
            foreach (var folder in Directory.GetDirectories(algorithm))
            {
                if (Digest.TryParse($"{Path.GetFileName(algorithm)}:{Path.GetFileName(folder)}", out var chainId))
                    found.Add(chainId);
            }
        }
        return found;
    }

    private SnapshotRecord? Read(Digest chainId, out Exception? cause)
    {
        cause = null;
        try
        {
            // Without its tree a record says nothing.
            return Directory.Exists(TreePath(chainId))
                ? JsonSerializer.Deserialize(File.ReadAllBytes(RecordPath(chainId)), SnapshotJson.Default.SnapshotRecord)
                : null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException or InvalidRequestException)
        {
            cause = e;
            return null;
        }
    }

    private string TrashPath()
    {
        Directory.CreateDirectory(_paths.LayerTrash);
        return $"{_paths.LayerTrash}/{Guid.NewGuid():N}";
    }

    private string Folder(Digest chainId) => $"{_paths.Snapshots}/{chainId.Algorithm}/{chainId.Hex}";

    private string RecordPath(Digest chainId) => $"{Folder(chainId)}/{RecordName}";
}
