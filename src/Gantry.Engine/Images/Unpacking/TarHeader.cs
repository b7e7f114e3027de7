namespace Gantry.Images.Unpacking;

/// <summary>One 512-byte tar header block, field by field (ustar, GNU and old v7).</summary>
internal readonly ref struct TarHeader(ReadOnlySpan<byte> block)
{
    internal const int BlockSize = 512;
    private readonly ReadOnlySpan<byte> _block = block;

    internal byte TypeFlag => _block[156];

    internal long Size => TarNumber.ParseField(_block.Slice(124, 12), "size");

    internal long Uid => TarNumber.ParseField(_block.Slice(108, 8), "uid");

    internal long Gid => TarNumber.ParseField(_block.Slice(116, 8), "gid");

    internal uint Mode => (uint)TarNumber.ParseField(_block.Slice(100, 8), "mode") & 0xFFF;

    internal long Modified => TarNumber.ParseField(_block.Slice(136, 12), "time");

    internal uint DeviceMajor => Device(_block.Slice(329, 8));

    internal uint DeviceMinor => Device(_block.Slice(337, 8));

    internal byte[] LinkName => Text(_block.Slice(157, 100)).ToArray();

    /// <summary>Extension fields of GNU's sparse type: whether more map blocks follow, the file's length, the first pieces.</summary>
    internal bool HasSparseExtension => _block[482] != 0;

    internal long SparseLength => TarNumber.ParseField(_block.Slice(483, 12), "sparse length");

    internal ReadOnlySpan<byte> SparsePieces => _block.Slice(386, 96);

    internal byte[] Name
    {
        get
        {
            var name = Text(_block[..100]);
            var prefix = Text(_block.Slice(345, 155));
            var isPosix = _block.Slice(257, 6).SequenceEqual("ustar\0"u8);
            return isPosix && !prefix.IsEmpty ? [.. prefix, (byte)'/', .. name] : name.ToArray();
        }
    }

    /// <summary>The sum of the block's bytes, its own field counted as spaces, unsigned or (old writers) signed.</summary>
    internal bool HasValidChecksum
    {
        get
        {
            var unsigned = 0;
            var signed = 0;
            for (var i = 0; i < BlockSize; i++)
            {
                var value = i is >= 148 and < 156 ? (byte)' ' : _block[i];
                unsigned += value;
                signed += (sbyte)value;
            }
            var written = TarNumber.ParseField(_block.Slice(148, 8), "checksum");
            return written == unsigned || written == signed;
        }
    }

    private static ReadOnlySpan<byte> Text(ReadOnlySpan<byte> field)
    {
        var end = field.IndexOf((byte)0);
        return end < 0 ? field : field[..end];
    }

    private static uint Device(ReadOnlySpan<byte> field) =>
        TarNumber.ParseField(field, "device number") is var number and >= 0 and <= int.MaxValue
            ? (uint)number
            : throw new InvalidDataException("its device number is out of range");
}
