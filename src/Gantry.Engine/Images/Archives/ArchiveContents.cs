using System.IO.Compression;
using System.Text;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Images.Manifests;
using Gantry.Images.Store;
using Gantry.Images.Unpacking;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;
using Gantry.Snapshots;
using ZstdSharp;

namespace Gantry.Images.Archives;

/// <summary>
/// What an archive turned out to hold: its files are blobs of the store by now, hashed while they were written, and its
/// small documents are here. Holds those blobs until it is disposed.
/// </summary>
internal sealed class ArchiveContents : IDisposable
{
    private const int MostFiles = 100_000;
    private readonly ImageStore _images;
    private readonly ContentLeases _leases;
    private readonly Dictionary<string, (Digest Digest, long Size)> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _links = new(StringComparer.Ordinal);
    private readonly Dictionary<string, byte[]> _documents = new(StringComparer.Ordinal);
    private readonly List<IDisposable> _held = [];

    public ArchiveContents(ImageStore images, ContentLeases leases)
    {
        _images = images;
        _leases = leases;
    }

    /// <summary>Every file that became a blob.</summary>
    public IEnumerable<Digest> Blobs => _files.Values.Select(file => file.Digest);

    public void Dispose()
    {
        foreach (var lease in _held)
            lease.Dispose();
    }

    /// <summary>A document by its name in the archive, as index.json; null where there is none.</summary>
    public byte[]? Document(string name) => _documents.GetValueOrDefault(name);

    /// <summary>The blob that a file became; links inside the archive are followed.</summary>
    /// <exception cref="CorruptContentException">There is no such file.</exception>
    public (Digest Digest, long Size) File(string name)
    {
        for (var links = 0; links < 10 && _links.TryGetValue(name, out var target); links++)
            name = target;
        return _files.TryGetValue(name, out var file) ? file : throw new CorruptContentException($"the archive has no file '{name}', which its manifest names");
    }

    /// <summary>Reads an archive to its end: plain, gzip or zstd.</summary>
    /// <exception cref="CorruptContentException">It is damaged, or a blob is not what its name says.</exception>
    public void Read(Stream source, CancellationToken cancel)
    {
        try
        {
            using var reader = new TarReader(Decompressed(source));
            while (reader.Next(cancel) is { } entry)
            {
                var name = Encoding.UTF8.GetString(EntryPath.Parse(entry.Path).Bytes);
                if (entry.Kind is TarKind.SymbolicLink)
                    _links[name] = Resolve(name, Encoding.UTF8.GetString(entry.LinkTarget));
                else if (entry.Kind is TarKind.HardLink)
                    _links[name] = Encoding.UTF8.GetString(EntryPath.Parse(entry.LinkTarget).Bytes);
                else if (entry.Kind is TarKind.Regular && entry.Sparse is null)
                    Take(name, entry.Size, reader, cancel);
                if (_files.Count > MostFiles)
                    throw new CorruptContentException($"the archive has more than {MostFiles} files: it is no archive of images");
            }
            reader.Drain(cancel);
        }
        catch (Exception e) when (e is InvalidDataException or ZstdException or EndOfStreamException)
        {
            throw new CorruptContentException($"the archive is damaged: {e.Message}", e);
        }
    }

    private void Take(string name, long size, TarReader reader, CancellationToken cancel)
    {
        if (name is ImageLayout.IndexFile or ImageLayout.VersionFile or "manifest.json" or "repositories")
        {
            _documents[name] = ReadDocument(name, size, reader, cancel);
            return;
        }
        var expected = ExpectedDigest(name);
        var aside = _images.Blobs.Aside(expected ?? Digest.Compute(Encoding.UTF8.GetBytes(name)));
        try
        {
            var digest = Write(aside, expected, reader, cancel);
            if (expected is { } asked && asked != digest)
                throw new CorruptContentException($"the archive's file {name} has the digest {digest}: it was damaged, save it again");
            _held.Add(_leases.Hold([digest]));
            _images.Blobs.Publish(aside, digest, size);
            _files[name] = (digest, size);
        }
        catch
        {
            System.IO.File.Delete(aside);
            throw;
        }
    }

    private static Digest Write(string aside, Digest? expected, TarReader reader, CancellationToken cancel)
    {
        using var file = RegularFile.Create(aside, 0b110_000_000);
        using var hash = new ContentHash(expected ?? Digest.Compute([]));
        var at = 0L;
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            var piece = reader.ReadContent(cancel);
            if (piece.IsEmpty)
                break;
            hash.Append(piece);
            RegularFile.WriteAt(file, piece, at, aside);
            at += piece.Length;
        }
        return hash.Finish();
    }

    private static byte[] ReadDocument(string name, long size, TarReader reader, CancellationToken cancel)
    {
        if (size > ManifestReader.SizeLimit)
            throw new CorruptContentException($"the archive's {name} has {size} bytes, more than the {ManifestReader.SizeLimit} that are allowed");
        var content = new MemoryStream((int)size);
        while (true)
        {
            var piece = reader.ReadContent(cancel);
            if (piece.IsEmpty)
                return content.ToArray();
            content.Write(piece);
        }
    }

    /// <summary>The digest that a layout's blob has by its name; null for a file of another kind.</summary>
    private static Digest? ExpectedDigest(string name) =>
        name.Split('/') is ["blobs", var algorithm, var hex] && Digest.TryParse($"{algorithm}:{hex}", out var digest) ? digest : null;

    private static string Resolve(string name, string target)
    {
        var folder = name.LastIndexOf('/') is var slash and > 0 ? name[..slash] : "";
        return Encoding.UTF8.GetString(EntryPath.Parse(Encoding.UTF8.GetBytes($"{folder}/{target}")).Bytes);
    }

    private static Stream Decompressed(Stream source)
    {
        var head = new byte[4];
        var filled = 0;
        while (filled < head.Length && source.Read(head, filled, head.Length - filled) is var read and > 0)
            filled += read;
        var whole = new PrefixedStream(head.AsMemory(0, filled), source);
        return head switch
        {
            [0x1F, 0x8B, ..] => new GZipStream(whole, CompressionMode.Decompress),
            [0x28, 0xB5, 0x2F, 0xFD] => new DecompressionStream(whole),
            _ => whole,
        };
    }
}

/// <summary>Gives back what was read to look at it, and then the rest.</summary>
internal sealed class PrefixedStream(ReadOnlyMemory<byte> prefix, Stream rest) : ReadOnlyStream
{
    private ReadOnlyMemory<byte> _prefix = prefix;

    public override int Read(Span<byte> buffer)
    {
        if (_prefix.IsEmpty)
            return rest.Read(buffer);
        var count = Math.Min(buffer.Length, _prefix.Length);
        _prefix.Span[..count].CopyTo(buffer);
        _prefix = _prefix[count..];
        return count;
    }
}
