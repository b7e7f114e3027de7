using System.Collections.Concurrent;
using Gantry.Identity;
using Gantry.Linux.Files;
using Gantry.Persistence;
using Gantry.Snapshots;

namespace Gantry.Images.Store;

/// <summary>
/// The blobs of the layout. A blob counts as there if an image has it or if it was verified since this daemon began; any
/// other file is only a hope, which has to be hashed before it is used.
/// </summary>
public sealed class BlobStore
{
    private readonly NodePaths _paths;
    private readonly ContentLeases _leases;
    private readonly ConcurrentDictionary<Digest, long> _known = [];
    private long _bytes;

    internal BlobStore(NodePaths paths, ContentLeases leases)
    {
        _paths = paths;
        _leases = leases;
    }

    /// <summary>Bytes of all known blobs.</summary>
    public long TotalBytes => Interlocked.Read(ref _bytes);

    public int Count => _known.Count;

    /// <summary>Where downloads are written until they are whole.</summary>
    public string IngestFolder => $"{_paths.Images}/ingest";

    /// <summary>Where a blob is, or would be.</summary>
    public string PathOf(Digest digest) => $"{_paths.Images}/blobs/{digest.Algorithm}/{digest.Hex}";

    /// <summary>Whether the blob is there and was verified.</summary>
    public bool Contains(Digest digest) => _known.ContainsKey(digest);

    /// <summary>Whether a file of that name and size is there, verified or not.</summary>
    internal bool MayContain(Digest digest, long size) => SizeOnDisk(digest) == size;

    /// <summary>The length of the blob's file; null where there is none.</summary>
    internal long? SizeOnDisk(Digest digest)
    {
        var file = new FileInfo(PathOf(digest));
        return file.Exists ? file.Length : null;
    }

    /// <summary>A fresh path for a download.</summary>
    internal string Aside(Digest digest) => $"{IngestFolder}/{digest.Hex}.{Guid.NewGuid():N}";

    /// <summary>Publishes a file that was verified while it was written.</summary>
    internal void Publish(string aside, Digest digest, long size)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(digest))!);
        File.Move(aside, PathOf(digest), overwrite: true);
        Know(digest, size);
    }

    /// <summary>Writes a document whose digest the caller has computed.</summary>
    internal void Write(Digest digest, byte[] content)
    {
        if (Contains(digest))
            return;
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(digest))!);
        AtomicFile.Write(PathOf(digest), content);
        Know(digest, content.Length);
    }

    /// <summary>A document of at most 4 MiB.</summary>
    /// <exception cref="IOException">It is not there.</exception>
    public byte[] Read(Digest digest) => File.ReadAllBytes(PathOf(digest));

    internal void Know(Digest digest, long size)
    {
        if (_known.TryAdd(digest, size))
            Interlocked.Add(ref _bytes, size);
    }

    /// <summary>The blob turned out to be damaged or gone.</summary>
    internal void Forget(Digest digest)
    {
        if (_known.TryRemove(digest, out var size))
            Interlocked.Add(ref _bytes, -size);
    }

    /// <summary>Takes blobs out that nobody needs and nobody holds; answers where they are now, for the caller to delete.</summary>
    internal IReadOnlyList<string> Retire(IEnumerable<Digest> digests, Func<Digest, bool> isNeeded)
    {
        var retired = new List<string>();
        lock (_leases.Gate)
        {
            foreach (var digest in digests)
            {
                if (_leases.IsHeld(digest) || isNeeded(digest))
                    continue;
                Forget(digest);
                if (!File.Exists(PathOf(digest)))
                    continue;
                Directory.CreateDirectory(_paths.BlobTrash);
                var trash = $"{_paths.BlobTrash}/{Guid.NewGuid():N}";
                File.Move(PathOf(digest), trash);
                retired.Add(trash);
            }
        }
        return retired;
    }

    /// <summary>Every file of the layout's blobs.</summary>
    internal IEnumerable<Digest> Files()
    {
        foreach (var algorithm in Directory.EnumerateDirectories($"{_paths.Images}/blobs"))
        {
            foreach (var file in Directory.EnumerateFiles(algorithm))
            {
                if (Digest.TryParse($"{Path.GetFileName(algorithm)}:{Path.GetFileName(file)}", out var digest))
                    yield return digest;
            }
        }
    }

    /// <summary>At start: deletes unfinished downloads.</summary>
    internal void CleanLeftovers()
    {
        Directory.CreateDirectory($"{_paths.Images}/blobs/sha256");
        if (Directory.Exists(IngestFolder))
            DirectoryRemover.Remove(IngestFolder);
        Directory.CreateDirectory(IngestFolder);
    }
}
