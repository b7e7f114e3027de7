using System.Buffers.Binary;
using System.Text;

namespace Gantry.Images.Archives;

/// <summary>Writes the few kinds of entries that an image archive needs (POSIX ustar), the same bytes for the same content.</summary>
internal sealed class TarWriter(Stream output)
{
    private const int BlockSize = 512;
    private const long LargestOctal = 0x1_FFFF_FFFF;
    private static readonly byte[] _zeros = new byte[BlockSize];

    public async Task DirectoryAsync(string name, CancellationToken cancel) => await output.WriteAsync(Header(name + "/", 0, '5', "755"), cancel);

    public async Task FileAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        await output.WriteAsync(Header(name, content.Length, '0', "644"), cancel);
        await output.WriteAsync(content, cancel);
        await PadAsync(content.Length, cancel);
    }

    /// <exception cref="IOException">The file is shorter than <paramref name="length"/>: it was damaged.</exception>
    public async Task FileAsync(string name, Stream content, long length, CancellationToken cancel)
    {
        await output.WriteAsync(Header(name, length, '0', "644"), cancel);
        var buffer = new byte[64 << 10];
        var left = length;
        while (left > 0)
        {
            var read = await content.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, left)), cancel);
            if (read == 0)
                throw new EndOfStreamException($"{name} has {length - left} of {length} bytes: check the store with 'gantry fsck'");
            await output.WriteAsync(buffer.AsMemory(0, read), cancel);
            left -= read;
        }
        await PadAsync(length, cancel);
    }

    /// <summary>Two empty blocks.</summary>
    public async Task EndAsync(CancellationToken cancel)
    {
        await output.WriteAsync(_zeros, cancel);
        await output.WriteAsync(_zeros, cancel);
    }

    private async Task PadAsync(long length, CancellationToken cancel) => await output.WriteAsync(_zeros.AsMemory(0, (int)(-length & (BlockSize - 1))), cancel);

    private static byte[] Header(string name, long size, char type, string mode)
    {
        var header = new byte[BlockSize];
        // Names here are our own, and short: blobs/sha512/ and 128 digits go into the prefix field.
        var split = name.Length > 100 ? name.LastIndexOf('/', name.Length - 2) : -1;
        Encoding.ASCII.GetBytes(name[(split + 1)..]).CopyTo(header, 0);
        if (split > 0)
            Encoding.ASCII.GetBytes(name[..split]).CopyTo(header, 345);
        Octal(header.AsSpan(100, 8), Convert.ToInt64(mode, 8));
        Octal(header.AsSpan(108, 8), 0);
        Octal(header.AsSpan(116, 8), 0);
        if (size <= LargestOctal)
        {
            Octal(header.AsSpan(124, 12), size);
        }
        else
        {
            header[124] = 0x80;
            BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(128, 8), size);
        }
        Octal(header.AsSpan(136, 12), 0);
        header[156] = (byte)type;
        "ustar\0"u8.CopyTo(header.AsSpan(257));
        "00"u8.CopyTo(header.AsSpan(263));
        header.AsSpan(148, 8).Fill((byte)' ');
        var sum = 0;
        foreach (var value in header)
            sum += value;
        Octal(header.AsSpan(148, 7), sum);
        return header;
    }

    private static void Octal(Span<byte> field, long value) =>
        Encoding.ASCII.GetBytes(Convert.ToString(value, 8).PadLeft(field.Length - 1, '0'), field);
}
