using System.Diagnostics.CodeAnalysis;

namespace Gantry.Spdy.Headers;

/// <summary>The two codes that a block brings along (RFC 1951, section 3.2.7).</summary>
internal static class DynamicCodes
{
    private const int Repeat = 16;
    private const int ShortZeros = 17;
    private const int MostLiterals = 286;

    private static ReadOnlySpan<byte> Order => [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    public static bool TryRead(ref BitReader bits, [NotNullWhen(true)] out HuffmanCode? literals, [NotNullWhen(true)] out HuffmanCode? distances)
    {
        literals = distances = null;
        if (!bits.TryRead(5, out var literalCount) || !bits.TryRead(5, out var distanceCount) || !bits.TryRead(4, out var orderCount))
            return false;
        literalCount += 257;
        distanceCount += 1;
        if (literalCount > MostLiterals || distanceCount > 30)
            throw new SpdyException("a header block's codes have more symbols than deflate has");
        Span<byte> lengthLengths = stackalloc byte[19];
        lengthLengths.Clear();
        for (var n = 0; n < orderCount + 4; n++)
        {
            if (!bits.TryRead(3, out var length))
                return false;
            lengthLengths[Order[n]] = (byte)length;
        }
        Span<byte> lengths = stackalloc byte[MostLiterals + 30];
        lengths = lengths[..(literalCount + distanceCount)];
        if (!TryReadLengths(ref bits, new HuffmanCode(lengthLengths), lengths))
            return false;
        if (lengths[256] == 0)
            throw new SpdyException("a header block has no code for its end");
        literals = new HuffmanCode(lengths[..literalCount]);
        distances = new HuffmanCode(lengths[literalCount..]);
        return true;
    }

    private static bool TryReadLengths(ref BitReader bits, HuffmanCode code, scoped Span<byte> lengths)
    {
        for (var n = 0; n < lengths.Length;)
        {
            if (!code.TryRead(ref bits, out var symbol))
                return false;
            if (symbol < Repeat)
            {
                lengths[n++] = (byte)symbol;
                continue;
            }
            var (extraBits, least) = symbol == Repeat ? (2, 3) : symbol == ShortZeros ? (3, 3) : (7, 11);
            if (!bits.TryRead(extraBits, out var more))
                return false;
            var count = least + more;
            if (n + count > lengths.Length || (symbol == Repeat && n == 0))
                throw new SpdyException("a header block's code lengths are more than it has symbols");
            lengths.Slice(n, count).Fill(symbol == Repeat ? lengths[n - 1] : (byte)0);
            n += count;
        }
        return true;
    }
}
