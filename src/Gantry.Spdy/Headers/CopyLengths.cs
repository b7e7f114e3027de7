namespace Gantry.Spdy.Headers;

/// <summary>How much to copy from how far back: symbols with extra bits (RFC 1951, section 3.2.5).</summary>
internal static class CopyLengths
{
    private static ReadOnlySpan<ushort> LengthBase => [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];

    private static ReadOnlySpan<byte> LengthExtra => [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

    private static ReadOnlySpan<ushort> DistanceBase =>
        [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577];

    public static bool TryReadLength(ref BitReader bits, int symbol, out int length)
    {
        var index = symbol - 257;
        if (index >= LengthBase.Length)
            throw new SpdyException("a header block copies a length that deflate does not have");
        var isRead = bits.TryRead(LengthExtra[index], out var extra);
        length = LengthBase[index] + extra;
        return isRead;
    }

    public static bool TryReadDistance(ref BitReader bits, int symbol, out int distance)
    {
        if (symbol >= DistanceBase.Length)
            throw new SpdyException("a header block copies from a distance that deflate does not have");
        var isRead = bits.TryRead(symbol < 4 ? 0 : symbol / 2 - 1, out var extra);
        distance = DistanceBase[symbol] + extra;
        return isRead;
    }
}
