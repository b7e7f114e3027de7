using System.Text;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;
using Gantry.Snapshots;

namespace Gantry.Images.Unpacking;

/// <summary>
/// Opens the directories that entries go into, below the layer's tree and never outside; makes those that the archive
/// left out, also behind a link whose target is in a layer below.
/// </summary>
internal sealed class ParentDirectories(LayerIngest ingest) : IDisposable
{
    private const int MaxLinks = 40;
    private const uint OrdinaryMode = 0x1ED;
    private readonly byte[] _root = SafePath.PathOf(ingest.Tree);
    private FileDescriptor? _last;
    private byte[] _lastPath = [];

    /// <summary>Whether the last answer gives its group to what is made in it.</summary>
    internal bool LastGivesGroup { get; private set; }

    public void Dispose() => Forget();

    /// <summary>
    /// The directory at a normalised path. It stays open, and is answered again for the same path, until another path is
    /// asked for or <see cref="Forget"/> is called: that must happen whenever something is replaced.
    /// </summary>
    /// <exception cref="InvalidDataException">Something on the way is no directory.</exception>
    internal FileDescriptor Open(ReadOnlySpan<byte> path)
    {
        if (_last is not null && path.SequenceEqual(_lastPath))
            return _last;
        var directory = Ensure(path.ToArray(), 0);
        Forget();
        _last = directory;
        LastGivesGroup = (FileStatus.Get(directory, "layer").Mode & 0x400) != 0;
        _lastPath = path.ToArray();
        return directory;
    }

    /// <summary>The next answer is looked up anew.</summary>
    internal void Forget()
    {
        _last?.Dispose();
        _last = null;
    }

    private FileDescriptor Ensure(byte[] path, int links)
    {
        if (SafePath.TryOpenDirectory(ingest.Tree, path) is { } there)
            return there;
        var slash = Array.LastIndexOf(path, (byte)'/');
        var parentPath = slash < 0 ? [] : path[..slash];
        var name = path[(slash + 1)..];
        using var parent = Ensure(parentPath, links);
        if (name is [] or [(byte)'.'] or [(byte)'.', (byte)'.'])
            return SafePath.OpenDirectory(ingest.Tree, path);
        if (DirectoryEntry.TryMakeDirectory(parent, name, OrdinaryMode))
            return Note(parent, name, path, isOpaque: false);
        var status = FileStatus.TryGet(parent, name, Show(path));
        if (Whiteout.Is(status))
        {
            DirectoryRemover.RemoveEntry(parent, name, Show(path));
            if (DirectoryEntry.TryMakeDirectory(parent, name, OrdinaryMode))
                return Note(parent, name, path, isOpaque: true);
        }
        if (status is { Kind: FileKind.Directory } && DirectoryEntry.TryOpenDirectory(parent, name) is { } directory)
            return directory;
        if (DirectoryEntry.TryReadLink(parent, name) is not { } target)
            throw new InvalidDataException($"{Show(path)} above it is not a directory");
        if (links >= MaxLinks)
            throw new InvalidDataException($"{Show(path)} above it is a loop of symbolic links");
        return Ensure(target is [(byte)'/', ..] ? target[1..] : [.. parentPath, (byte)'/', .. target], links + 1);
    }

    private FileDescriptor Note(FileDescriptor parent, byte[] name, byte[] path, bool isOpaque)
    {
        var directory = DirectoryEntry.TryOpenDirectory(parent, name)
            ?? throw new InvalidDataException($"{Show(path)} above it vanished while it was unpacked");
        FileOwnership.SetMode(directory, OrdinaryMode, Show(path));
        if (isOpaque)
            Whiteout.MakeOpaque(directory, Show(path));
        // Under its real name: the path may lead through links, and the layers below are searched without following any.
        var real = SafePath.PathOf(directory).AsSpan(_root.Length).TrimStart((byte)'/').ToArray();
        ingest.AddOmitted(real, FileStatus.Get(directory, Show(path)).Inode);
        ingest.Inodes++;
        ingest.Bytes += LayerApplier.BlockSize;
        return directory;
    }

    private static string Show(byte[] path) => Encoding.UTF8.GetString(path);
}
