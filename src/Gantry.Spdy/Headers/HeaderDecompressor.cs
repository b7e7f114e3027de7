using System.Buffers;
using System.Buffers.Binary;

namespace Gantry.Spdy.Headers;

/// <summary>
/// One direction's zlib stream of header blocks (RFC 1950 and 1951) with the protocol's dictionary. The framework's own
/// inflater takes no dictionary; this one besides keeps its state between any two bits, and knows a limit.
/// </summary>
internal sealed class HeaderDecompressor
{
    /// <summary>Of what one frame's block inflates to.</summary>
    public const int LongestBlock = 64 << 10;

    private const int EndOfBlock = 256;
    private static readonly HuffmanCode _fixedLiterals = new(FixedLengths());
    private static readonly HuffmanCode _fixedDistances = new([.. Enumerable.Repeat((byte)5, 32)]);
    private readonly InflateHistory _history = new();
    private readonly ArrayBufferWriter<byte> _output = new();
    private byte[] _unread = [];
    private int _position;
    private Step _step = Step.StreamHeader;
    private int _storedLeft;
    private HuffmanCode _literals = _fixedLiterals;
    private HuffmanCode _distances = _fixedDistances;

    private enum Step
    {
        StreamHeader,
        BlockHeader,
        Stored,
        Codes,
    }

    /// <summary>Inflates what one frame adds to the stream.</summary>
    /// <returns>Valid until the next call.</returns>
    /// <exception cref="SpdyException">It is no zlib stream with the dictionary, or it inflates to too much.</exception>
    public ReadOnlySpan<byte> Read(ReadOnlySpan<byte> input)
    {
        _output.ResetWrittenCount();
        // Between frames at most an unfinished element is left over: nothing, from every sender that flushes its blocks.
        byte[] bytes = [.. _unread, .. input];
        var bits = new BitReader(bytes, _position);
        var done = bits.Position;
        while (TryStep(ref bits))
            done = bits.Position;
        _position = done & 7;
        _unread = bytes[(done >> 3)..];
        return _output.WrittenSpan;
    }

    private bool TryStep(ref BitReader bits) => _step switch
    {
        Step.StreamHeader => TryReadStreamHeader(ref bits),
        Step.BlockHeader => TryReadBlockHeader(ref bits),
        Step.Stored => TryCopyStored(ref bits),
        _ => TryReadCode(ref bits),
    };

    private bool TryReadStreamHeader(ref BitReader bits)
    {
        if (bits.BytesLeft < 2)
            return false;
        var header = BinaryPrimitives.ReadUInt16BigEndian(bits.TakeBytes(2));
        if ((header >> 8 & 15) != 8 || header % 31 != 0)
            throw new SpdyException("the headers are not compressed by zlib");
        if ((header & 0x20) != 0)
        {
            if (bits.BytesLeft < 4)
                return false;
            if (BinaryPrimitives.ReadUInt32BigEndian(bits.TakeBytes(4)) != SpdyDictionary.Id)
                throw new SpdyException("the headers are compressed with another dictionary than SPDY/3's");
            _history.Add(SpdyDictionary.Bytes);
        }
        _step = Step.BlockHeader;
        return true;
    }

    private bool TryReadBlockHeader(ref BitReader bits)
    {
        if (!bits.TryRead(1, out var isLast) || !bits.TryRead(2, out var kind))
            return false;
        if (isLast != 0)
            throw new SpdyException("the headers' zlib stream ends");
        switch (kind)
        {
            case 0:
                return TryReadStoredHeader(ref bits);
            case 1:
                (_literals, _distances) = (_fixedLiterals, _fixedDistances);
                break;
            case 2:
                if (!DynamicCodes.TryRead(ref bits, out var literals, out var distances))
                    return false;
                (_literals, _distances) = (literals, distances);
                break;
            default:
                throw new SpdyException("a header block is of a kind that deflate does not have");
        }
        _step = Step.Codes;
        return true;
    }

    private bool TryReadStoredHeader(ref BitReader bits)
    {
        bits.AlignToByte();
        if (bits.BytesLeft < 4)
            return false;
        var lengths = bits.TakeBytes(4);
        _storedLeft = BinaryPrimitives.ReadUInt16LittleEndian(lengths);
        if ((ushort)~_storedLeft != BinaryPrimitives.ReadUInt16LittleEndian(lengths[2..]))
            throw new SpdyException("a stored header block's length is not true");
        _step = Step.Stored;
        return true;
    }

    private bool TryCopyStored(ref BitReader bits)
    {
        var count = Math.Min(_storedLeft, bits.BytesLeft);
        Put(bits.TakeBytes(count));
        _storedLeft -= count;
        if (_storedLeft > 0)
            return count > 0;
        _step = Step.BlockHeader;
        return true;
    }

    private bool TryReadCode(ref BitReader bits)
    {
        if (!_literals.TryRead(ref bits, out var symbol))
            return false;
        if (symbol < EndOfBlock)
        {
            Put([(byte)symbol]);
            return true;
        }
        if (symbol == EndOfBlock)
        {
            _step = Step.BlockHeader;
            return true;
        }
        if (!CopyLengths.TryReadLength(ref bits, symbol, out var length)
            || !_distances.TryRead(ref bits, out var distanceSymbol)
            || !CopyLengths.TryReadDistance(ref bits, distanceSymbol, out var distance))
            return false;
        for (var n = 0; n < length; n++)
            Put([_history.Back(distance)]);
        return true;
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        if (_output.WrittenCount + bytes.Length > LongestBlock)
            throw new SpdyException($"a header block inflates to more than {LongestBlock} bytes");
        _output.Write(bytes);
        _history.Add(bytes);
    }

    private static byte[] FixedLengths()
    {
        var lengths = new byte[288];
        for (var symbol = 0; symbol < lengths.Length; symbol++)
            lengths[symbol] = (byte)(symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8);
        return lengths;
    }
}
