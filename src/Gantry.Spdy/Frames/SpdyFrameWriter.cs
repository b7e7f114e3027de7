using System.Buffers;
using System.Buffers.Binary;

namespace Gantry.Spdy.Frames;

/// <summary>Frames to bytes.</summary>
internal static class SpdyFrameWriter
{
    private const uint Control = 0x8003_0000;

    /// <summary>Writes a data frame's header into the first <see cref="SpdyFrameReader.HeaderLength"/> bytes.</summary>
    public static void WriteDataHeader(Span<byte> target, int stream, SpdyFlags flags, int length)
    {
        BinaryPrimitives.WriteInt32BigEndian(target, stream);
        BinaryPrimitives.WriteUInt32BigEndian(target[4..], (uint)flags << 24 | (uint)length);
    }

    /// <param name="target">Where the frame is put.</param>
    /// <param name="stream">Of the side that opens it: odd for a client.</param>
    /// <param name="flags">Finish for a stream on which the opener sends nothing.</param>
    /// <param name="block">The compressed headers.</param>
    public static void WriteSynStream(IBufferWriter<byte> target, int stream, SpdyFlags flags, ReadOnlySpan<byte> block)
    {
        var rest = WriteHeader(target, SpdyFrameKind.SynStream, flags, 10 + block.Length);
        BinaryPrimitives.WriteInt32BigEndian(rest, stream);
        // No associated stream, the highest priority, no credential slot.
        rest.Slice(4, 6).Clear();
        block.CopyTo(rest[10..]);
        target.Advance(SpdyFrameReader.HeaderLength + 10 + block.Length);
    }

    public static void WriteSynReply(IBufferWriter<byte> target, int stream, SpdyFlags flags, ReadOnlySpan<byte> block)
    {
        var rest = WriteHeader(target, SpdyFrameKind.SynReply, flags, 4 + block.Length);
        BinaryPrimitives.WriteInt32BigEndian(rest, stream);
        block.CopyTo(rest[4..]);
        target.Advance(SpdyFrameReader.HeaderLength + 4 + block.Length);
    }

    public static void WriteReset(IBufferWriter<byte> target, int stream, SpdyResetReason reason) =>
        WriteNumbers(target, SpdyFrameKind.ResetStream, (uint)stream, (uint)reason);

    public static void WriteWindowUpdate(IBufferWriter<byte> target, int stream, int more) =>
        WriteNumbers(target, SpdyFrameKind.WindowUpdate, (uint)stream, (uint)more);

    public static void WriteGoAway(IBufferWriter<byte> target, int lastStream, SpdyGoAwayReason reason) =>
        WriteNumbers(target, SpdyFrameKind.GoAway, (uint)lastStream, (uint)reason);

    public static void WritePing(IBufferWriter<byte> target, uint id)
    {
        var rest = WriteHeader(target, SpdyFrameKind.Ping, SpdyFlags.None, 4);
        BinaryPrimitives.WriteUInt32BigEndian(rest, id);
        target.Advance(SpdyFrameReader.HeaderLength + 4);
    }

    private static void WriteNumbers(IBufferWriter<byte> target, SpdyFrameKind kind, uint first, uint second)
    {
        var rest = WriteHeader(target, kind, SpdyFlags.None, 8);
        BinaryPrimitives.WriteUInt32BigEndian(rest, first);
        BinaryPrimitives.WriteUInt32BigEndian(rest[4..], second);
        target.Advance(SpdyFrameReader.HeaderLength + 8);
    }

    private static Span<byte> WriteHeader(IBufferWriter<byte> target, SpdyFrameKind kind, SpdyFlags flags, int length)
    {
        var header = target.GetSpan(SpdyFrameReader.HeaderLength + length);
        BinaryPrimitives.WriteUInt32BigEndian(header, Control | (uint)kind);
        BinaryPrimitives.WriteUInt32BigEndian(header[4..], (uint)flags << 24 | (uint)length);
        return header[SpdyFrameReader.HeaderLength..];
    }
}
