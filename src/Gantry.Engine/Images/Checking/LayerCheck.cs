using System.Text;
using Gantry.Images.Unpacking;
using Gantry.Linux;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;

namespace Gantry.Images.Checking;

/// <summary>
/// Compares a layer's tree with the archive that it was made of: kinds, modes, owners, times, attributes, link targets and
/// every byte of content. Reads both once, and keeps nothing but the names of what differs.
/// </summary>
internal sealed class LayerCheck(FileDescriptor tree, CancellationToken cancel)
{
    private const int MostFindings = 20;
    private readonly Dictionary<string, string> _differences = new(StringComparer.Ordinal);
    private readonly byte[] _buffer = new byte[64 << 10];

    /// <summary>What differs, as "path: why"; empty where the tree is what its archive says.</summary>
    /// <exception cref="InvalidDataException">The archive itself is damaged.</exception>
    public IReadOnlyList<string> Run(TarReader reader)
    {
        while (reader.Next(cancel) is { } entry)
        {
            cancel.ThrowIfCancellationRequested();
            var path = EntryPath.Parse(entry.Path);
            // What the applier leaves out: a device 0:0 would be a forged whiteout.
            var isLeftOut = entry is { Kind: TarKind.Unknown } or { Kind: TarKind.CharacterDevice, DeviceMajor: 0, DeviceMinor: 0 };
            if (path.IsRoot || isLeftOut || Whiteout.Classify(path) != WhiteoutKind.None)
                continue;
            var name = Encoding.Latin1.GetString(path.Bytes);
            // A later entry of the same name is what counts, and what replaces a directory takes all below with it.
            Forget(name, entry.Kind);
            if (Compare(entry, path, reader) is { } difference && _differences.Count < MostFindings)
                _differences[name] = difference;
        }
        return [.. _differences.Select(difference => $"{difference.Key}: {difference.Value}")];
    }

    private void Forget(string name, TarKind kind)
    {
        if (_differences.Count == 0)
            return;
        _differences.Remove(name);
        if (kind is TarKind.Directory)
            return;
        foreach (var below in _differences.Keys.Where(other => other.StartsWith(name + "/", StringComparison.Ordinal)).ToList())
            _differences.Remove(below);
    }

    private string? Compare(TarEntry entry, EntryPath path, TarReader reader)
    {
        try
        {
            using var parent = SafePath.TryOpenDirectory(tree, path.Parent);
            var status = parent is null ? null : FileStatus.TryGet(parent, path.Name, path.ToString());
            return parent is null || status is null ? "is missing" : Compare(entry, path, parent, status, reader);
        }
        catch (SyscallException e) when (e.Errno is Errno.EIO or Errno.ENOTDIR or Errno.ELOOP)
        {
            return e.Message;
        }
    }

    private string? Compare(TarEntry entry, EntryPath path, FileDescriptor parent, FileStatus status, TarReader reader)
    {
        // A hard link is checked where its file's own entry is; to a file of a layer below, it is a copy.
        if (entry.Kind is TarKind.HardLink)
            return status.Kind is FileKind.Directory ? "is a directory" : null;
        if (status.Kind != KindOf(entry.Kind))
            return $"is {status.Kind}, and not {KindOf(entry.Kind)}";
        if (entry.Kind is not TarKind.SymbolicLink && status.Mode != entry.Mode)
            return $"has mode {Convert.ToString(status.Mode, 8)}, and not {Convert.ToString(entry.Mode, 8)}";
        if (status.Uid != entry.Uid || status.Gid != entry.Gid)
            return $"belongs to {status.Uid}:{status.Gid}, and not {entry.Uid}:{entry.Gid}";
        // A directory's time changes when a layer on top is settled in it.
        if (entry.Kind is not TarKind.Directory && status.ModifiedSeconds != entry.ModifiedSeconds)
            return "was changed after it was unpacked";
        return entry.Kind switch
        {
            TarKind.SymbolicLink => DirectoryEntry.TryReadLink(parent, path.Name).AsSpan().SequenceEqual(entry.LinkTarget) ? null : "points elsewhere",
            TarKind.CharacterDevice or TarKind.BlockDevice when (status.SpecialMajor, status.SpecialMinor) != (entry.DeviceMajor, entry.DeviceMinor) => "is another device",
            TarKind.Regular => CompareFile(entry, path, parent, status, reader),
            _ => null,
        };
    }

    private string? CompareFile(TarEntry entry, EntryPath path, FileDescriptor parent, FileStatus status, TarReader reader)
    {
        if (status.Size != entry.FileLength)
            return $"has {status.Size} bytes, and not {entry.FileLength}";
        using var file = DirectoryEntry.TryOpenFile(parent, path.Name);
        if (file is null)
            return "cannot be opened";
        foreach (var (name, value) in entry.Attributes ?? [])
        {
            if (!EntryLook.IsForbidden(name) && !(ExtendedAttributes.TryGet(file, name, path.ToString()) ?? []).AsSpan().SequenceEqual(value))
                return $"lacks its attribute {Encoding.UTF8.GetString(name)}";
        }
        foreach (var piece in entry.Sparse ?? [new SparsePiece(0, entry.Size)])
        {
            if (!IsEqual(file, piece, reader, path))
                return "has other content";
        }
        return null;
    }

    private bool IsEqual(FileDescriptor file, SparsePiece piece, TarReader reader, EntryPath path)
    {
        for (var (at, left) = (piece.Offset, piece.Length); left > 0;)
        {
            var expected = reader.ReadContent(Math.Min(left, _buffer.Length), cancel);
            if (expected.IsEmpty)
                return false;
            for (var compared = 0; compared < expected.Length;)
            {
                var read = RegularFile.ReadAt(file, _buffer.AsSpan(0, expected.Length - compared), at + compared, path.ToString());
                if (read == 0 || !_buffer.AsSpan(0, read).SequenceEqual(expected.Slice(compared, read)))
                    return false;
                compared += read;
            }
            at += expected.Length;
            left -= expected.Length;
        }
        return true;
    }

    private static FileKind KindOf(TarKind kind) => kind switch
    {
        TarKind.Regular => FileKind.Regular,
        TarKind.SymbolicLink => FileKind.SymbolicLink,
        TarKind.CharacterDevice => FileKind.CharacterDevice,
        TarKind.BlockDevice => FileKind.BlockDevice,
        TarKind.Directory => FileKind.Directory,
        _ => FileKind.Fifo,
    };
}
