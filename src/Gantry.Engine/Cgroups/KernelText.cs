using System.Buffers.Text;

namespace Gantry.Cgroups;

/// <summary>
/// The formats in which kernel files tell numbers (Documentation/admin-guide/cgroup-v2.rst, "Format"), read without
/// allocating. What is not understood is left out: a newer kernel's new line must not hide the old ones.
/// </summary>
internal static class KernelText
{
    /// <summary>The value that v1 writes for "no limit" is a few pages below 2^63; nothing real comes near.</summary>
    private const ulong Unlimited = 1UL << 62;

    /// <summary>Takes the next line off <paramref name="rest"/>; false where there is none.</summary>
    public static bool TryTakeLine(scoped ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> line) => TryTake(ref rest, (byte)'\n', out line);

    /// <summary>Takes the next word of a line; false where there is none.</summary>
    public static bool TryTakeWord(scoped ref ReadOnlySpan<byte> line, out ReadOnlySpan<byte> word)
    {
        line = line.TrimStart((byte)' ');
        return TryTake(ref line, (byte)' ', out word);
    }

    /// <summary>Splits "key value"; false for anything else.</summary>
    public static bool TryKeyed(ReadOnlySpan<byte> line, out ReadOnlySpan<byte> key, out ulong value)
    {
        value = 0;
        return TryTakeWord(ref line, out key) && TryTakeWord(ref line, out var number) && TryNumber(number, out value);
    }

    /// <summary>Splits "name=value".</summary>
    public static bool TryNamed(ReadOnlySpan<byte> word, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        var equals = word.IndexOf((byte)'=');
        name = equals < 0 ? word : word[..equals];
        value = equals < 0 ? [] : word[(equals + 1)..];
        return equals > 0;
    }

    /// <summary>A whole word that is a number.</summary>
    public static bool TryNumber(ReadOnlySpan<byte> text, out ulong value)
    {
        text = text.Trim(" \n\t"u8);
        return Utf8Parser.TryParse(text, out value, out var length) && length == text.Length && length > 0;
    }

    /// <summary>The value of the line that begins with <paramref name="key"/>; 0 where there is none.</summary>
    public static ulong ValueOf(ReadOnlySpan<byte> text, ReadOnlySpan<byte> key)
    {
        while (TryTakeLine(ref text, out var line))
        {
            if (TryKeyed(line, out var name, out var value) && name.SequenceEqual(key))
                return value;
        }
        return 0;
    }

    /// <summary>A limit; null for "max", and for the large number that v1 writes.</summary>
    public static ulong? Limit(ReadOnlySpan<byte> text) => TryNumber(text, out var value) && value < Unlimited ? value : null;

    /// <summary>A "*.pressure" file; null where there is no "some" line.</summary>
    public static CgroupPressure? Pressure(ReadOnlySpan<byte> text)
    {
        PressureLine? some = null;
        PressureLine? full = null;
        while (TryTakeLine(ref text, out var line))
        {
            if (!TryTakeWord(ref line, out var kind))
                continue;
            if (kind.SequenceEqual("some"u8))
                some = PressureLine(line);
            else if (kind.SequenceEqual("full"u8))
                full = PressureLine(line);
        }
        return some is { } known ? new CgroupPressure(known, full) : null;
    }

    private static PressureLine PressureLine(ReadOnlySpan<byte> line)
    {
        var read = default(PressureLine);
        while (TryTakeWord(ref line, out var word))
        {
            if (!TryNamed(word, out var name, out var value))
                continue;
            if (name.SequenceEqual("total"u8) && TryNumber(value, out var total))
                read = read with { TotalMicroseconds = total };
            else if (!Utf8Parser.TryParse(value, out double average, out _))
                continue;
            else if (name.SequenceEqual("avg10"u8))
                read = read with { Average10 = average };
            else if (name.SequenceEqual("avg60"u8))
                read = read with { Average60 = average };
            else if (name.SequenceEqual("avg300"u8))
                read = read with { Average300 = average };
        }
        return read;
    }

    private static bool TryTake(scoped ref ReadOnlySpan<byte> rest, byte end, out ReadOnlySpan<byte> taken)
    {
        if (rest.IsEmpty)
        {
            taken = [];
            return false;
        }
        var length = rest.IndexOf(end);
        taken = length < 0 ? rest : rest[..length];
        rest = length < 0 ? [] : rest[(length + 1)..];
        return true;
    }
}
