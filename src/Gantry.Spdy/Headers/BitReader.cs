namespace Gantry.Spdy.Headers;

/// <summary>Reads bits from the lowest of each byte upwards, as deflate has them (RFC 1951, section 3.1.1).</summary>
internal ref struct BitReader(ReadOnlySpan<byte> bytes, int position)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>In bits from the start.</summary>
    public int Position { get; set; } = position;

    /// <summary>Whole bytes that are left; sensible at a byte's boundary.</summary>
    public readonly int BytesLeft => _bytes.Length - (Position + 7) / 8;

    /// <summary>Reads at most 24 bits as a number.</summary>
    /// <returns>False, and nothing read, where there are not as many.</returns>
    public bool TryRead(int count, out int value)
    {
        value = 0;
        if (Position + count > _bytes.Length * 8)
            return false;
        for (var n = 0; n < count; n++, Position++)
            value |= (_bytes[Position >> 3] >> (Position & 7) & 1) << n;
        return true;
    }

    public void AlignToByte() => Position = Position + 7 & ~7;

    /// <summary>Takes whole bytes; at a byte's boundary.</summary>
    public ReadOnlySpan<byte> TakeBytes(int count)
    {
        var taken = _bytes.Slice(Position / 8, count);
        Position += count * 8;
        return taken;
    }
}
