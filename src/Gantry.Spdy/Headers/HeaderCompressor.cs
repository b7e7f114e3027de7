using System.Buffers;
using System.Buffers.Binary;

namespace Gantry.Spdy.Headers;

/// <summary>
/// One direction's zlib stream (RFC 1950) of header blocks, which it stores without compressing (RFC 1951, section 3.2.4):
/// a stream's headers here have forty bytes, and what is not compressed tells nothing by its length.
/// </summary>
internal sealed class HeaderCompressor
{
    /// <summary>Deflate, a window of 32 KiB, and the bit that says that a dictionary is named.</summary>
    private const ushort StreamHeader = 0x78bb;
    private const int LongestStored = 0xffff;
    private bool _isBegun;

    /// <summary>Appends one block, readable without what comes after it.</summary>
    public void Write(IBufferWriter<byte> target, ReadOnlySpan<byte> block)
    {
        if (!_isBegun)
        {
            var start = target.GetSpan(6);
            BinaryPrimitives.WriteUInt16BigEndian(start, StreamHeader);
            BinaryPrimitives.WriteUInt32BigEndian(start[2..], SpdyDictionary.Id);
            target.Advance(6);
            _isBegun = true;
        }
        while (!block.IsEmpty)
        {
            var length = Math.Min(block.Length, LongestStored);
            WriteStored(target, block[..length]);
            block = block[length..];
        }
        // As zlib's flush ends a block: Go's inflater hands out what it has when it meets an empty one, and not before.
        WriteStored(target, []);
    }

    private static void WriteStored(IBufferWriter<byte> target, ReadOnlySpan<byte> bytes)
    {
        var block = target.GetSpan(5 + bytes.Length);
        // Not the last block, stored; then the length and its complement.
        block[0] = 0;
        BinaryPrimitives.WriteUInt16LittleEndian(block[1..], (ushort)bytes.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(block[3..], (ushort)~bytes.Length);
        bytes.CopyTo(block[5..]);
        target.Advance(5 + bytes.Length);
    }
}
