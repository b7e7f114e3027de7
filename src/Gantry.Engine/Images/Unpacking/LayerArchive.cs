using System.IO.Compression;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Gantry.Images.Unpacking;

/// <summary>
/// A layer's archive as it comes out of the ring: written to the blob's file, decompressed, hashed. It ends well only if the
/// diff id is right and the receiver found size and digest right; so whoever has read to the end has read the layer.
/// </summary>
internal sealed class LayerArchive : ReadOnlyStream
{
    private const int ZstdBuffer = 128 << 10;

    /// <summary>Of the most that limits can ask for: 128 MiB, what the command line tool takes without being asked.</summary>
    private const int MaxWindowLog = 27;

    private readonly LayerDescriptor _layer;
    private readonly Digest _diffId;
    private readonly FileDescriptor? _file;
    private readonly BlobReader _blob;
    private readonly ContentHash _hash;
    private readonly DigestingStream _archive;
    private bool _isAtEnd;

    /// <exception cref="Linux.SyscallException">The blob's file could not be made.</exception>
    internal LayerArchive(BlockRing ring, LayerDescriptor layer, LayerTarget target, RateLimit? writing, CancellationToken cancel)
    {
        _layer = layer;
        _diffId = target.DiffId;
        _file = target.BlobAside is null ? null : RegularFile.Create(target.BlobAside, 0b110_000_000);
        _blob = new BlobReader(ring, _file, target.BlobAside ?? "", cancel);
        _hash = new ContentHash(_diffId);
        _archive = new DigestingStream(Decompress(_blob, layer.Compression), _hash, target.Budget, writing, cancel);
    }

    /// <summary>Bytes read so far.</summary>
    internal long Count => _archive.Count;

    /// <summary>Fills the buffer, but for the end: large pieces make large writes, which cost the kernel much less than small ones.</summary>
    /// <exception cref="CorruptContentException">The diff id is not what the image's config says.</exception>
    public override int Read(Span<byte> buffer)
    {
        var filled = 0;
        while (filled < buffer.Length && !_isAtEnd)
        {
            var read = _archive.Read(buffer[filled..]);
            filled += read;
            if (read == 0)
                Finish();
        }
        return filled;
    }

    internal static Stream Decompress(Stream blob, LayerCompression compression)
    {
        switch (compression)
        {
            case LayerCompression.Gzip:
                return new GZipStream(blob, CompressionMode.Decompress, leaveOpen: true);
            case LayerCompression.Zstd:
                var zstd = new DecompressionStream(blob, ZstdBuffer, checkEndOfStream: true, leaveOpen: true);
                zstd.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, MaxWindowLog);
                return zstd;
            default:
                return blob;
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _archive.Dispose();
            _hash.Dispose();
            _blob.Dispose();
            _file?.Dispose();
        }
        base.Dispose(disposing);
    }

    private void Finish()
    {
        _isAtEnd = true;
        // What follows the compressed stream belongs to the blob too: its digest is only known at the end.
        _blob.Drain();
        var diffId = _hash.Finish();
        if (diffId != _diffId)
        {
            throw new CorruptContentException($"layer {_layer.Digest}: it unpacks to {diffId}, and the image's config says {_diffId}; "
                + "the image is inconsistent, build and push it anew");
        }
    }
}
