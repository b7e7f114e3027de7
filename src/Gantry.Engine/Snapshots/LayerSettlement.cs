using System.Text;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Linux;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;

namespace Gantry.Snapshots;

/// <summary>
/// Settles what a layer's own archive left open, once the layers below are there: directories that it omitted look as
/// they do below, hard links to files below get a copy of the file, and an opaque root hides what is below.
/// </summary>
internal sealed class LayerSettlement(LayerIngest ingest, IReadOnlyList<string> lowersTopFirst, Digest chainId)
{
    internal void Run()
    {
        if (lowersTopFirst.Count == 0 && ingest.LowerLinks.Count == 0)
            return;
        using var lowers = new LowerTrees(lowersTopFirst);
        foreach (var omitted in ingest.Omitted)
            CopyFromBelow(lowers, omitted);
        if (ingest.RootIsOmitted && lowers.Roots.Count > 0)
            FileCopy.Look(lowers.Roots[0], ingest.Tree, "/");
        foreach (var link in ingest.LowerLinks)
            Link(lowers, link);
        if (ingest.RootIsOpaque)
            HideRoot(lowers);
    }

    private void CopyFromBelow(LowerTrees lowers, OmittedDirectory omitted)
    {
        FileDescriptor directory;
        try
        {
            directory = SafePath.OpenDirectory(ingest.Tree, omitted.Path);
        }
        catch (SyscallException e) when (e.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
        {
            return;
        }
        using (directory)
        {
            // Replaced by another entry meanwhile: that one had a mode of its own.
            if (FileStatus.Get(directory, "layer").Inode != omitted.Inode || lowers.Find(omitted.Path) is not { } below)
                return;
            using (below.Parent)
            {
                using var lower = DirectoryEntry.TryOpenDirectory(below.Parent, below.Name);
                if (lower is not null)
                    FileCopy.Look(lower, directory, Show(omitted.Path));
            }
        }
    }

    /// <summary>Both names in this layer's tree, sharing a copy of the file: what the kernel does when a container links to a file below.</summary>
    private void Link(LowerTrees lowers, LowerLink link)
    {
        var (targetParent, targetName) = Split(link.Target);
        var (parent, name) = Split(link.Path);
        try
        {
            using var targetDirectory = SafePath.OpenDirectory(ingest.Tree, MakeParents(lowers, targetParent));
            using var directory = SafePath.OpenDirectory(ingest.Tree, parent);
            if (FileStatus.TryGet(targetDirectory, targetName, "layer") is null)
                CopyUp(lowers, link, targetDirectory, targetName);
            // A later entry of the same name has taken the link's place.
            DirectoryEntry.TryMakeHardLink(targetDirectory, targetName, directory, name);
        }
        catch (SyscallException e) when (!e.IsExhaustion)
        {
            throw new CorruptContentException($"layer {chainId}: hard link {Show(link.Path)} to {Show(link.Target)} cannot be made: {e.Message}", e);
        }
    }

    private void CopyUp(LowerTrees lowers, LowerLink link, FileDescriptor targetDirectory, byte[] targetName)
    {
        var below = lowers.Find(link.Target);
        using (below?.Parent)
        {
            if (below is not { Status.Kind: FileKind.Regular } found)
                throw new CorruptContentException($"layer {chainId}: {Show(link.Path)} is a hard link to {Show(link.Target)}, which no layer has as a file; rebuild the image");
            using var source = DirectoryEntry.TryOpenFile(found.Parent, found.Name);
            using var copy = DirectoryEntry.TryMakeFile(targetDirectory, targetName);
            if (source is null || copy is null)
                throw new SyscallException("openat", Errno.ENOENT, Show(link.Target));
            FileCopy.Content(source, copy, found.Status.Size, Show(link.Target));
            FileCopy.Look(source, copy, Show(link.Target));
            ingest.Bytes += (found.Status.Size + 4095) & ~4095;
            ingest.Inodes++;
        }
    }

    private byte[] MakeParents(LowerTrees lowers, byte[] path)
    {
        for (var end = 0; end < path.Length;)
        {
            var slash = Array.IndexOf(path, (byte)'/', end);
            var length = slash < 0 ? path.Length : slash;
            var (parent, name) = Split(path[..length]);
            using (var directory = SafePath.OpenDirectory(ingest.Tree, parent))
            {
                if (DirectoryEntry.TryMakeDirectory(directory, name, 0x1ED))
                {
                    using var made = SafePath.OpenDirectory(directory, name);
                    ingest.Inodes++;
                    CopyFromBelow(lowers, new OmittedDirectory(path[..length], FileStatus.Get(made, "layer").Inode));
                }
            }
            end = length + 1;
        }
        return path;
    }

    /// <summary>
    /// overlayfs looks at the opaque mark of every directory but a layer's root. So each name below that this layer lacks
    /// gets a whiteout, and each directory that it shares becomes opaque itself.
    /// </summary>
    private void HideRoot(LowerTrees lowers)
    {
        foreach (var root in lowers.Roots)
        {
            foreach (var name in DirectoryEntry.List(root, "/"))
            {
                if (DirectoryEntry.TryMakeSpecial(ingest.Tree, name, FileKind.CharacterDevice, 0, 0))
                    continue;
                using var own = DirectoryEntry.TryOpenDirectory(ingest.Tree, name);
                if (own is not null)
                    ExtendedAttributes.Set(own, LowerTrees.OpaqueAttribute, "y"u8, Show(name));
            }
        }
    }

    private static (byte[] Parent, byte[] Name) Split(byte[] path)
    {
        var slash = Array.LastIndexOf(path, (byte)'/');
        return slash < 0 ? ([], path) : (path[..slash], path[(slash + 1)..]);
    }

    private static string Show(byte[] path) => Encoding.UTF8.GetString(path);
}
