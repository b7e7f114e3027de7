using System.Globalization;
using System.Text;

namespace Gantry.UnitTests.Images.Unpacking;

/// <summary>Writes tar archives, also such as no honest tool writes. Names are Latin-1, so that any byte can be asked for.</summary>
internal sealed class TarBuilder
{
    private readonly List<byte> _archive = [];

    internal TarBuilder Directory(string path, uint mode = 0x1ED, long uid = 0, long mtime = 1000) => Add(path, '5', mode: mode, uid: uid, mtime: mtime);

    internal TarBuilder File(string path, string content = "", uint mode = 0x1A4, long uid = 0, long mtime = 1000) =>
        Add(path, '0', content: Encoding.Latin1.GetBytes(content), mode: mode, uid: uid, mtime: mtime);

    internal TarBuilder Link(string path, string target) => Add(path, '2', target);

    internal TarBuilder HardLink(string path, string target) => Add(path, '1', target);

    internal TarBuilder Device(string path, char type, uint major, uint minor) => Add(path, type, major: major, minor: minor);

    /// <summary>PAX records for the next entry.</summary>
    internal TarBuilder Pax(params (string Key, string Value)[] records)
    {
        var content = new StringBuilder();
        foreach (var (key, value) in records)
        {
            var body = key.Length + value.Length + 3;
            var length = body + Digits(body + Digits(body));
            content.Append(CultureInfo.InvariantCulture, $"{length} {key}={value}\n");
        }
        return Add("PaxHeader", 'x', content: Encoding.Latin1.GetBytes(content.ToString()));
    }

    internal TarBuilder Add(
        string path, char type, string link = "", byte[]? content = null, uint mode = 0x1A4, long uid = 0, long mtime = 1000,
        uint major = 0, uint minor = 0, long? size = null)
    {
        var header = new byte[512];
        Encoding.Latin1.GetBytes(path).CopyTo(header, 0);
        Octal(header, 100, 8, mode);
        Octal(header, 108, 8, uid);
        Octal(header, 116, 8, uid);
        Octal(header, 124, 12, size ?? content?.Length ?? 0);
        Octal(header, 136, 12, mtime);
        header[156] = (byte)type;
        Encoding.Latin1.GetBytes(link).CopyTo(header, 157);
        "ustar\0"u8.CopyTo(header.AsSpan(257));
        "00"u8.CopyTo(header.AsSpan(263));
        Octal(header, 329, 8, major);
        Octal(header, 337, 8, minor);
        return Raw(Sign(header)).Raw(content ?? []).Raw(new byte[-(content?.Length ?? 0) & 511]);
    }

    internal TarBuilder Raw(byte[] bytes)
    {
        _archive.AddRange(bytes);
        return this;
    }

    internal byte[] Build() => [.. _archive, .. new byte[1024]];

    internal static byte[] Sign(byte[] header)
    {
        header.AsSpan(148, 8).Fill((byte)' ');
        Octal(header, 148, 7, header.Sum(b => b));
        return header;
    }

    private static void Octal(byte[] header, int at, int length, long value) =>
        Encoding.ASCII.GetBytes(Convert.ToString(value, 8).PadLeft(length - 1, '0')).CopyTo(header, at);

    private static int Digits(int number) => number.ToString(CultureInfo.InvariantCulture).Length;
}
