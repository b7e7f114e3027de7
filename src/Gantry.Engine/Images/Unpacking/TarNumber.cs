using System.Buffers.Binary;

namespace Gantry.Images.Unpacking;

/// <summary>
/// Numbers in tar headers and PAX records. Our own digits-only parsers: the framework's accept signs, spaces and NULs,
/// and a uid that two programs read differently is a way in.
/// </summary>
internal static class TarNumber
{
    /// <summary>A header field: octal digits between spaces and NULs, or GNU's base-256 where the highest bit is set.</summary>
    /// <exception cref="InvalidDataException">Neither, or too large for 63 bits.</exception>
    internal static long ParseField(ReadOnlySpan<byte> field, string name)
    {
        if (!field.IsEmpty && (field[0] & 0x80) != 0)
            return ParseBinary(field, name);
        var digits = field.Trim(" \0"u8);
        if (digits.Length > 21)
            throw new InvalidDataException($"its {name} is too large");
        var value = 0L;
        foreach (var digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'7')
                throw new InvalidDataException($"its {name} is not an octal number");
            value = (value << 3) | (uint)(digit - '0');
        }
        return value;
    }

    /// <summary>Decimal digits and nothing else.</summary>
    /// <exception cref="InvalidDataException">Anything else, or too large for 63 bits.</exception>
    internal static long ParseDecimal(ReadOnlySpan<byte> digits, string name)
    {
        if (digits.IsEmpty || digits.Length > 18)
            throw new InvalidDataException($"its {name} is empty or too large");
        var value = 0L;
        foreach (var digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'9')
                throw new InvalidDataException($"its {name} is not a decimal number");
            value = value * 10 + (digit - '0');
        }
        return value;
    }

    /// <summary>A PAX time: seconds since 1970, perhaps negative, perhaps with a fraction.</summary>
    /// <exception cref="InvalidDataException">It is none.</exception>
    internal static (long Seconds, long Nanoseconds) ParseTime(ReadOnlySpan<byte> text)
    {
        var negative = !text.IsEmpty && text[0] == (byte)'-';
        if (negative)
            text = text[1..];
        var dot = text.IndexOf((byte)'.');
        var seconds = ParseDecimal(dot < 0 ? text : text[..dot], "time");
        var nanoseconds = 0L;
        if (dot >= 0)
        {
            var fraction = text[(dot + 1)..];
            for (var i = 0; i < 9; i++)
                nanoseconds = nanoseconds * 10 + (i < fraction.Length ? ParseDecimal(fraction.Slice(i, 1), "time") : 0);
        }
        if (!negative)
            return (seconds, nanoseconds);
        return nanoseconds == 0 ? (-seconds, 0) : (-seconds - 1, 1_000_000_000 - nanoseconds);
    }

    /// <summary>A user or group id: 32 bits, without the value that chown takes for "leave it".</summary>
    /// <exception cref="InvalidDataException">It is out of range.</exception>
    internal static uint ToId(long value, string name) => value is >= 0 and < uint.MaxValue
        ? (uint)value
        : throw new InvalidDataException($"its {name} {value} is not a number from 0 to 4294967294");

    private static long ParseBinary(ReadOnlySpan<byte> field, string name)
    {
        // A two's complement number of the whole field but for the marking bit; all that fits into 64 bits is real.
        var negative = (field[0] & 0x40) != 0;
        var sign = (byte)(negative ? 0xFF : 0);
        Span<byte> tail = stackalloc byte[8];
        if (field.Length > 8)
        {
            var head = field[..^8];
            if ((head[0] & 0x7F) != (sign & 0x7F) || head[1..].ContainsAnyExcept(sign))
                throw new InvalidDataException($"its {name} is too large");
            field[^8..].CopyTo(tail);
        }
        else
        {
            tail.Fill(sign);
            field.CopyTo(tail[(8 - field.Length)..]);
            tail[8 - field.Length] = negative ? field[0] : (byte)(field[0] & 0x7F);
        }
        var value = BinaryPrimitives.ReadInt64BigEndian(tail);
        return negative == value < 0 ? value : throw new InvalidDataException($"its {name} is too large");
    }
}
