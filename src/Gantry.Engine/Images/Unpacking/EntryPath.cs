using System.Text;

namespace Gantry.Images.Unpacking;

/// <summary>
/// An archive's path, normalised by its text: no leading slash, no empty, "." or ".." component; empty for the root.
/// What it then leads to is the kernel's business (SafePath); this only makes equal names equal.
/// </summary>
internal readonly struct EntryPath
{
    private readonly byte[] _path;
    private readonly int _nameStart;

    private EntryPath(byte[] path, int depth)
    {
        _path = path;
        _nameStart = Array.LastIndexOf(path, (byte)'/') + 1;
        Depth = depth;
    }

    internal bool IsRoot => _path.Length == 0;

    /// <summary>How many components it has.</summary>
    internal int Depth { get; }

    internal byte[] Bytes => _path;

    internal ReadOnlySpan<byte> Name => _path.AsSpan(_nameStart);

    /// <summary>The directory that it is in; empty for the root.</summary>
    internal ReadOnlySpan<byte> Parent => _path.AsSpan(0, Math.Max(0, _nameStart - 1));

    public override string ToString() => IsRoot ? "/" : Encoding.UTF8.GetString(_path);

    /// <exception cref="InvalidDataException">There is a NUL in it.</exception>
    internal static EntryPath Parse(byte[] raw)
    {
        if (raw.AsSpan().Contains((byte)0))
            throw new InvalidDataException("its path has a NUL in it");
        var clean = new byte[raw.Length];
        var length = 0;
        var depth = 0;
        foreach (var range in raw.AsSpan().Split((byte)'/'))
        {
            var component = raw.AsSpan(range);
            if (component.IsEmpty || component.SequenceEqual("."u8))
                continue;
            if (component.SequenceEqual(".."u8))
            {
                // ".." of the root is the root.
                length = Math.Max(0, clean.AsSpan(0, length).LastIndexOf((byte)'/'));
                depth = Math.Max(0, depth - 1);
                continue;
            }
            if (length > 0)
                clean[length++] = (byte)'/';
            component.CopyTo(clean.AsSpan(length));
            length += component.Length;
            depth++;
        }
        return new EntryPath(length == raw.Length ? raw : clean[..length], depth);
    }
}
