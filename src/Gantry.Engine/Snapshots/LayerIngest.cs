using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;

namespace Gantry.Snapshots;

/// <summary>A directory that a layer's archive left out, made so that what is in it has a place.</summary>
/// <param name="Path">Below the tree, without a leading slash.</param>
/// <param name="Inode">Which tells whether it is still the same directory.</param>
public readonly record struct OmittedDirectory(byte[] Path, ulong Inode);

/// <summary>A hard link to a file that this layer does not hold: one of a layer below.</summary>
/// <param name="Path">The new name, below the tree.</param>
/// <param name="Target">The file's name, below the tree.</param>
public readonly record struct LowerLink(byte[] Path, byte[] Target);

/// <summary>
/// One layer's tree while it is filled, and what is still open about it until the layers below are known. Belongs to one
/// unpacking; on dispose it is deleted unless <see cref="SnapshotStore.Commit"/> took it.
/// </summary>
public sealed class LayerIngest : IDisposable
{
    private readonly Dictionary<ulong, byte[]> _omitted = [];
    private readonly List<LowerLink> _lowerLinks = [];
    private bool _taken;

    internal LayerIngest(string folder)
    {
        Folder = folder;
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Directory.CreateDirectory(TreePath);
        Tree = RegularFile.OpenDirectory(TreePath);
        // Whatever the umask: a layer without an entry for its root must still give a root that every user can enter.
        FileOwnership.SetMode(Tree, 0x1ED, TreePath);
    }

    /// <summary>The layer's root directory, open.</summary>
    public FileDescriptor Tree { get; }

    /// <summary>The layer's root directory.</summary>
    public string TreePath => $"{Folder}/{SnapshotStore.TreeName}";

    /// <summary>Bytes on disk, in whole blocks.</summary>
    public long Bytes { get; set; }

    public long Inodes { get; set; }

    /// <summary>The archive had no entry for the root directory itself.</summary>
    public bool RootIsOmitted { get; set; } = true;

    /// <summary>Nothing of the layers below shows through.</summary>
    public bool RootIsOpaque { get; set; }

    internal string Folder { get; }

    internal IReadOnlyList<OmittedDirectory> Omitted => [.. _omitted.Select(o => new OmittedDirectory(o.Value, o.Key))];

    internal IReadOnlyList<LowerLink> LowerLinks => _lowerLinks;

    /// <summary>Notes a directory made without an entry.</summary>
    public void AddOmitted(byte[] path, ulong inode) => _omitted[inode] = path;

    /// <summary>The directory got its own entry after all.</summary>
    public void ForgetOmitted(ulong inode) => _omitted.Remove(inode);

    /// <summary>Whether any directory is noted, so that the caller can save itself the question which inode it has.</summary>
    public bool HasOmitted => _omitted.Count > 0;

    /// <summary>Notes a hard link to be made at commit.</summary>
    public void AddLowerLink(byte[] path, byte[] target) => _lowerLinks.Add(new LowerLink(path, target));

    /// <summary>The folder now belongs to the store.</summary>
    internal void Take() => _taken = true;

    public void Dispose()
    {
        Tree.Dispose();
        if (!_taken)
            DirectoryRemover.Remove(Folder);
        _taken = true;
    }
}
