using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;

namespace Gantry.Snapshots;

/// <summary>What shows at a path through a stack of layer trees, looked up without mounting them.</summary>
internal sealed class LowerTrees : IDisposable
{
    internal static ReadOnlySpan<byte> OpaqueAttribute => "trusted.overlay.opaque"u8;

    private readonly List<FileDescriptor> _roots;

    /// <param name="treesTopFirst">Paths of the trees, the highest layer first.</param>
    internal LowerTrees(IReadOnlyList<string> treesTopFirst) => _roots = [.. treesTopFirst.Select(RegularFile.OpenDirectory)];

    public void Dispose()
    {
        foreach (var root in _roots)
            root.Dispose();
    }

    internal IReadOnlyList<FileDescriptor> Roots => _roots;

    /// <summary>
    /// The directory that holds <paramref name="path"/>'s entry in the highest tree that has it, and the entry's status;
    /// null where nothing shows. No symbolic link in the path is followed.
    /// </summary>
    internal (FileDescriptor Parent, byte[] Name, FileStatus Status)? Find(byte[] path)
    {
        foreach (var root in _roots)
        {
            var (found, hidden) = FindIn(root, path);
            if (found is not null || hidden)
                return found;
        }
        return null;
    }

    /// <summary>Hidden: whatever the trees below have at that path, it does not show.</summary>
    private static ((FileDescriptor, byte[], FileStatus)? Found, bool Hidden) FindIn(FileDescriptor root, byte[] path)
    {
        var current = SafePath.OpenDirectory(root, default);
        var hidden = false;
        var rest = path.AsSpan();
        while (true)
        {
            var slash = rest.IndexOf((byte)'/');
            var name = (slash < 0 ? rest : rest[..slash]).ToArray();
            var status = FileStatus.TryGet(current, name, "layer");
            var isWhiteout = status is { Kind: FileKind.CharacterDevice, SpecialMajor: 0, SpecialMinor: 0 };
            if (slash < 0 && status is not null && !isWhiteout)
                return ((current, name, status), true);
            var next = status is { Kind: FileKind.Directory } ? DirectoryEntry.TryOpenDirectory(current, name) : null;
            current.Dispose();
            if (next is null)
                return (null, hidden || status is not null);
            current = next;
            hidden |= ExtendedAttributes.TryGet(current, OpaqueAttribute, "layer") is [(byte)'y'];
            rest = rest[(slash + 1)..];
        }
    }
}
