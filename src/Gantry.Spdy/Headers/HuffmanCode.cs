namespace Gantry.Spdy.Headers;

/// <summary>A canonical Huffman code, which the lengths of its symbols' codes define (RFC 1951, section 3.2.2).</summary>
internal sealed class HuffmanCode
{
    private const int LongestCode = 15;

    private readonly ushort[] _countOfLength = new ushort[LongestCode + 1];
    private readonly ushort[] _symbols;

    /// <param name="lengths">By symbol; 0 for a symbol that has no code.</param>
    /// <exception cref="SpdyException">No code has these lengths.</exception>
    public HuffmanCode(ReadOnlySpan<byte> lengths)
    {
        foreach (var length in lengths)
            _countOfLength[length]++;
        var left = 1;
        var offsets = new ushort[LongestCode + 2];
        for (var length = 1; length <= LongestCode; length++)
        {
            left = (left << 1) - _countOfLength[length];
            if (left < 0)
                throw new SpdyException("a header block's Huffman code has more codes than there are");
            offsets[length + 1] = (ushort)(offsets[length] + _countOfLength[length]);
        }
        var used = lengths.Length - _countOfLength[0];
        // An unfinished code is allowed where it has one symbol (a block that uses one distance) or none (no distance).
        if (left > 0 && (used > 1 || used != _countOfLength[1]))
            throw new SpdyException("a header block's Huffman code is not complete");
        _symbols = new ushort[used];
        for (var symbol = 0; symbol < lengths.Length; symbol++)
        {
            if (lengths[symbol] != 0)
                _symbols[offsets[lengths[symbol]]++] = (ushort)symbol;
        }
    }

    /// <summary>Reads one symbol.</summary>
    /// <returns>False where the bits run out before the code does; the position is not restored.</returns>
    /// <exception cref="SpdyException">The bits are no code.</exception>
    public bool TryRead(ref BitReader bits, out int symbol)
    {
        symbol = 0;
        int code = 0, first = 0, index = 0;
        for (var length = 1; length <= LongestCode; length++)
        {
            if (!bits.TryRead(1, out var bit))
                return false;
            code |= bit;
            var count = _countOfLength[length];
            if (code - first < count)
            {
                symbol = _symbols[index + code - first];
                return true;
            }
            index += count;
            first = first + count << 1;
            code <<= 1;
        }
        throw new SpdyException("a header block holds bits that are no code");
    }
}
