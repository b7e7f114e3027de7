using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;

namespace Gantry.Images.Unpacking;

/// <summary>
/// The blob as the thread that unpacks reads it: what comes out of the ring is written to the blob's file before it is
/// passed on. Its end is only told where the receiver found size and digest right.
/// </summary>
/// <param name="file">Null where the blob is on disk already.</param>
internal sealed class BlobReader(BlockRing ring, FileDescriptor? file, string path, CancellationToken cancel) : ReadOnlyStream
{
    /// <summary>After how many bytes the disk is set to work.</summary>
    private const long WritingStep = 4 << 20;

    private ReadOnlyMemory<byte> _rest;
    private long _written;
    private long _begun;
    private bool _ended;

    public override int Read(Span<byte> buffer)
    {
        if (_rest.IsEmpty && !Fill())
            return 0;
        var count = Math.Min(buffer.Length, _rest.Length);
        _rest.Span[..count].CopyTo(buffer);
        _rest = _rest[count..];
        return count;
    }

    /// <summary>Reads what no decompressor wanted: it belongs to the blob, and only its end says that the digest is right.</summary>
    internal void Drain()
    {
        while (Fill())
        {
            // Fill writes it.
        }
    }

    private bool Fill()
    {
        if (_ended)
            return false;
        _rest = ring.Next(cancel);
        _ended = _rest.IsEmpty;
        if (file is not null && !_ended)
        {
            RegularFile.WriteAt(file, _rest.Span, _written, path);
            _written += _rest.Length;
            if (_written - _begun >= WritingStep)
            {
                RegularFile.BeginWriting(file, _begun, _written - _begun);
                _begun = _written;
            }
        }
        return !_ended;
    }
}
