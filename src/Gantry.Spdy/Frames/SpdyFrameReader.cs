using System.Buffers;
using System.Buffers.Binary;

namespace Gantry.Spdy.Frames;

/// <summary>
/// Cuts a connection's bytes into frames. It holds no bytes itself: what it needs more of stays in the caller's buffer.
/// </summary>
internal sealed class SpdyFrameReader
{
    /// <summary>Of every frame.</summary>
    public const int HeaderLength = 8;

    /// <summary>Of a control frame; headers of streams here are a hundred bytes.</summary>
    public const int LongestControl = 64 << 10;

    private const int Version = 3;
    private int _dataStream;
    private SpdyFlags _dataFlags;
    private int _dataLeft = -1;

    /// <summary>Takes the next frame or piece of one off the front of <paramref name="input"/>.</summary>
    /// <returns>False where more bytes are needed.</returns>
    /// <exception cref="SpdyException">The bytes are no SPDY/3.1.</exception>
    public bool TryRead(ref ReadOnlySequence<byte> input, out SpdyFrame frame)
    {
        if (_dataLeft >= 0)
            return TryReadData(ref input, out frame);
        frame = default;
        if (input.Length < HeaderLength)
            return false;
        Span<byte> header = stackalloc byte[HeaderLength];
        input.Slice(0, HeaderLength).CopyTo(header);
        var first = BinaryPrimitives.ReadUInt32BigEndian(header);
        var flags = (SpdyFlags)header[4];
        var length = (int)(BinaryPrimitives.ReadUInt32BigEndian(header[4..]) & 0xffffff);
        if ((first & 0x8000_0000) != 0)
            return TryReadControl(ref input, first, flags, length, out frame);
        if (first == 0)
            throw new SpdyException("a data frame is of stream 0");
        _dataStream = (int)first;
        _dataFlags = flags;
        _dataLeft = length;
        input = input.Slice(HeaderLength);
        return TryReadData(ref input, out frame);
    }

    private static bool TryReadControl(ref ReadOnlySequence<byte> input, uint first, SpdyFlags flags, int length, out SpdyFrame frame)
    {
        frame = default;
        var version = first >> 16 & 0x7fff;
        if (version != Version)
            throw new SpdyException($"a control frame is of SPDY version {version}, and this is version {Version}");
        if (length > LongestControl)
            throw new SpdyException($"a control frame has {length} bytes, and {LongestControl} are the most");
        if (input.Length < HeaderLength + length)
            return false;
        frame = new SpdyFrame(Kind(first & 0xffff), 0, flags, input.Slice(HeaderLength, length));
        input = input.Slice(HeaderLength + length);
        return true;
    }

    /// <summary>A kind that is none of the enum's, 0 included, is one to ignore.</summary>
    private static SpdyFrameKind Kind(uint number) => number == 0 ? (SpdyFrameKind)0xffff : (SpdyFrameKind)number;

    private bool TryReadData(ref ReadOnlySequence<byte> input, out SpdyFrame frame)
    {
        frame = default;
        if (input.IsEmpty && _dataLeft > 0)
            return false;
        var payload = input.Slice(0, Math.Min(input.Length, _dataLeft));
        _dataLeft -= (int)payload.Length;
        input = input.Slice(payload.Length);
        frame = new SpdyFrame(SpdyFrameKind.Data, _dataStream, _dataLeft == 0 ? _dataFlags : _dataFlags & ~SpdyFlags.Finish, payload);
        if (_dataLeft == 0)
            _dataLeft = -1;
        return true;
    }
}
