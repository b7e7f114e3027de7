using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace Gantry.TestImages;

/// <summary>A layer: gzip bytes, and the digest of the tar in it.</summary>
public sealed record BuiltLayer(byte[] Content, string MediaType, string DiffId);

/// <summary>Builds one layer from entries; the same entries give the same bytes.</summary>
public sealed class LayerBuilder
{
    private const UnixFileMode DirectoryMode = (UnixFileMode)0b111_101_101;
    private readonly SortedDictionary<string, TarEntry> _entries = new(StringComparer.Ordinal);
    private readonly List<TarEntry> _links = [];

    public LayerBuilder Directory(string path, int mode = 0b111_101_101, int uid = 0, int gid = 0)
    {
        Parents(path);
        _entries[path] = Own(new GnuTarEntry(TarEntryType.Directory, path + "/"), mode, uid, gid);
        return this;
    }

    public LayerBuilder File(string path, byte[] content, int mode = 0b110_100_100, int uid = 0, int gid = 0)
    {
        Parents(path);
        var entry = Own(new GnuTarEntry(TarEntryType.RegularFile, path), mode, uid, gid);
        entry.DataStream = new MemoryStream(content);
        _entries[path] = entry;
        return this;
    }

    public LayerBuilder File(string path, string content, int mode = 0b110_100_100) => File(path, Encoding.UTF8.GetBytes(content), mode);

    public LayerBuilder SymbolicLink(string path, string target)
    {
        Parents(path);
        _entries[path] = Own(new GnuTarEntry(TarEntryType.SymbolicLink, path) { LinkName = target }, 0b111_111_111, 0, 0);
        return this;
    }

    public LayerBuilder Fifo(string path)
    {
        Parents(path);
        _entries[path] = Own(new GnuTarEntry(TarEntryType.Fifo, path), 0b110_100_100, 0, 0);
        return this;
    }

    /// <summary>Hard links come last, behind what they link to.</summary>
    public LayerBuilder HardLink(string path, string target)
    {
        Parents(path);
        _links.Add(Own(new GnuTarEntry(TarEntryType.HardLink, path) { LinkName = target }, 0b111_101_101, 0, 0));
        return this;
    }

    public byte[] BuildTar()
    {
        using var tar = new MemoryStream();
        using (var writer = new TarWriter(tar, TarEntryFormat.Gnu, leaveOpen: true))
        {
            foreach (var entry in _entries.Values.Concat(_links))
            {
                entry.DataStream?.Seek(0, SeekOrigin.Begin);
                writer.WriteEntry(entry);
            }
        }
        return tar.ToArray();
    }

    public BuiltLayer Build()
    {
        var tar = BuildTar();
        using var zipped = new MemoryStream();
        using (var gzip = new GZipStream(zipped, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(tar);
        return new BuiltLayer(zipped.ToArray(), "application/vnd.oci.image.layer.v1.tar+gzip", DigestOf(tar));
    }

    public static string DigestOf(byte[] content) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(content));

    private static TarEntry Own(TarEntry entry, int mode, int uid, int gid)
    {
        entry.Mode = (UnixFileMode)mode;
        entry.Uid = uid;
        entry.Gid = gid;
        entry.ModificationTime = DateTimeOffset.UnixEpoch;
        return entry;
    }

    private void Parents(string path)
    {
        for (var slash = path.IndexOf('/'); slash > 0; slash = path.IndexOf('/', slash + 1))
        {
            var parent = path[..slash];
            if (!_entries.ContainsKey(parent))
                _entries[parent] = Own(new GnuTarEntry(TarEntryType.Directory, parent + "/"), (int)DirectoryMode, 0, 0);
        }
    }
}
