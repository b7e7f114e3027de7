using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Gantry.Spdy.Headers;

/// <summary>
/// Names and values of a stream's headers, as they are before compression (section 2.6.10): a count, then for each a length
/// and a name, a length and a value. Names are in lower case; several values of one name are separated by NUL.
/// </summary>
internal static class SpdyHeaderBlock
{
    private const int MostHeaders = 256;

    /// <exception cref="SpdyException">A length is not true, or a name is there twice, empty or not in lower case.</exception>
    public static IReadOnlyDictionary<string, string> Read(ReadOnlySpan<byte> block)
    {
        var count = ReadNumber(ref block);
        if (count > MostHeaders)
            throw new SpdyException($"a header block has {count} headers, and {MostHeaders} are the most");
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        for (var n = 0; n < count; n++)
        {
            var name = ReadText(ref block);
            if (name.Length == 0 || name.Any(char.IsAsciiLetterUpper) || !headers.TryAdd(name, ReadText(ref block)))
                throw new SpdyException("a header's name is empty, not in lower case, or there twice");
        }
        if (!block.IsEmpty)
            throw new SpdyException("a header block is longer than its headers");
        return headers;
    }

    public static void Write(IBufferWriter<byte> target, IReadOnlyDictionary<string, string> headers)
    {
        WriteNumber(target, headers.Count);
        foreach (var (name, value) in headers)
        {
            WriteText(target, name.ToLowerInvariant());
            WriteText(target, value);
        }
    }

    private static int ReadNumber(ref ReadOnlySpan<byte> block)
    {
        if (!BinaryPrimitives.TryReadUInt32BigEndian(block, out var number) || number > int.MaxValue)
            throw new SpdyException("a header block is cut off");
        block = block[4..];
        return (int)number;
    }

    private static string ReadText(ref ReadOnlySpan<byte> block)
    {
        var length = ReadNumber(ref block);
        if (length > block.Length)
            throw new SpdyException("a header is longer than its block");
        var text = Encoding.Latin1.GetString(block[..length]);
        block = block[length..];
        return text;
    }

    private static void WriteNumber(IBufferWriter<byte> target, int number)
    {
        BinaryPrimitives.WriteInt32BigEndian(target.GetSpan(4), number);
        target.Advance(4);
    }

    private static void WriteText(IBufferWriter<byte> target, string text)
    {
        WriteNumber(target, text.Length);
        target.Advance(Encoding.Latin1.GetBytes(text, target.GetSpan(text.Length)));
    }
}
