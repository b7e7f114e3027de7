namespace Gantry.Images.Unpacking;

/// <summary>The records of one PAX extended header (POSIX pax, "pax Extended Header"), as far as an image needs them.</summary>
internal sealed class PaxRecords
{
    private List<KeyValuePair<byte[], byte[]>>? _attributes;

    public byte[]? Path { get; private set; }

    public byte[]? LinkTarget { get; private set; }

    public long? Size { get; private set; }

    public long? Uid { get; private set; }

    public long? Gid { get; private set; }

    public (long Seconds, long Nanoseconds)? Modified { get; private set; }

    public IReadOnlyList<KeyValuePair<byte[], byte[]>>? Attributes => _attributes;

    /// <summary>The sparse format's version 1.0 is named: the content begins with its map.</summary>
    public bool IsSparse { get; private set; }

    public long? SparseLength { get; private set; }

    /// <exception cref="InvalidDataException">The records are not well formed.</exception>
    internal static PaxRecords Parse(ReadOnlySpan<byte> content)
    {
        var records = new PaxRecords();
        byte[]? sparseName = null;
        // Some writers pad the records with NULs to the end of the block, within the header's size.
        while (content.ContainsAnyExcept((byte)0))
        {
            var space = content.IndexOf((byte)' ');
            if (space is <= 0 or > 8)
                throw new InvalidDataException("a PAX record has no length");
            var length = TarNumber.ParseDecimal(content[..space], "PAX record length");
            if (length <= space + 2 || length > content.Length || content[(int)length - 1] != (byte)'\n')
                throw new InvalidDataException("a PAX record's length is wrong");
            var record = content[(space + 1)..((int)length - 1)];
            content = content[(int)length..];
            var equals = record.IndexOf((byte)'=');
            if (equals <= 0)
                throw new InvalidDataException("a PAX record has no key");
            records.Take(record[..equals], record[(equals + 1)..], ref sparseName);
        }
        // The name in the header is a stand-in for readers that don't know sparse files.
        if (sparseName is not null)
            records.Path = sparseName;
        return records;
    }

    private void Take(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, ref byte[]? sparseName)
    {
        if (key.StartsWith("SCHILY.xattr."u8))
            TakeAttribute(key["SCHILY.xattr.".Length..], value);
        else if (key.StartsWith("GNU.sparse."u8))
            TakeSparse(key["GNU.sparse.".Length..], value, ref sparseName);
        else if (key.SequenceEqual("path"u8))
            Path = Name(value, "path");
        else if (key.SequenceEqual("linkpath"u8))
            LinkTarget = Name(value, "link target");
        else if (value.IsEmpty)
            return;
        else if (key.SequenceEqual("size"u8))
            Size = TarNumber.ParseDecimal(value, "size");
        else if (key.SequenceEqual("uid"u8))
            Uid = TarNumber.ParseDecimal(value, "uid");
        else if (key.SequenceEqual("gid"u8))
            Gid = TarNumber.ParseDecimal(value, "gid");
        else if (key.SequenceEqual("mtime"u8))
            Modified = TarNumber.ParseTime(value);
    }

    private void TakeAttribute(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (name.IsEmpty || name.Length > 255 || name.Contains((byte)0))
            throw new InvalidDataException("an extended attribute's name is empty, too long or has a NUL in it");
        _attributes ??= [];
        var copy = name.ToArray();
        _attributes.RemoveAll(a => a.Key.AsSpan().SequenceEqual(copy));
        _attributes.Add(new(copy, value.ToArray()));
    }

    private void TakeSparse(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, ref byte[]? sparseName)
    {
        if (key.SequenceEqual("major"u8))
            IsSparse = value.SequenceEqual("1"u8) ? true : throw OldSparse();
        else if (key.SequenceEqual("name"u8))
            sparseName = Name(value, "path");
        else if (key.SequenceEqual("realsize"u8))
            SparseLength = TarNumber.ParseDecimal(value, "sparse length");
        else if (!key.SequenceEqual("minor"u8))
            throw OldSparse();
    }

    private static InvalidDataException OldSparse() =>
        new("it is a sparse file in a PAX format other than 1.0, which is not supported; build the layer without --sparse");

    /// <summary>Null for an empty value: POSIX says that it takes back an earlier one.</summary>
    private static byte[]? Name(ReadOnlySpan<byte> value, string name)
    {
        if (value.Contains((byte)0))
            throw new InvalidDataException($"its {name} has a NUL in it");
        return value.IsEmpty ? null : value.ToArray();
    }
}
