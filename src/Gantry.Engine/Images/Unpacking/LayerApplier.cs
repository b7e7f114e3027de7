using System.Text;
using Gantry.Linux;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;
using Gantry.Snapshots;
using Microsoft.Extensions.Logging;

namespace Gantry.Images.Unpacking;

/// <summary>
/// Turns the entries of one layer's archive into files below the layer's tree. Every path is resolved by the kernel with
/// that tree as its root, and every change is made to a name in an open directory or to an open file: nothing in an
/// archive, and nobody who changes the tree meanwhile, can make it touch anything outside.
/// </summary>
/// <remarks>
/// A later entry of a name replaces an earlier one, but a directory entry for a directory only changes how that looks.
/// Whiteouts speak of the layers below only, wherever in the archive they are.
/// </remarks>
internal sealed class LayerApplier : IDisposable
{
    internal const int BlockSize = 4096;
    private const uint SetGroupId = 0x400;

    /// <summary>Files of this size and more are given to the disk as soon as they are written.</summary>
    private const long WritingSize = 256 << 10;

    private readonly LayerIngest _ingest;
    private readonly LayerBudget _budget;
    private readonly ILogger _log;
    private readonly EntryLook _look;
    private readonly ParentDirectories _parents;
    private readonly List<(byte[] Path, long Seconds, long Nanoseconds)> _directoryTimes = [];

    internal LayerApplier(LayerIngest ingest, LayerBudget budget, ILogger log)
    {
        _ingest = ingest;
        _budget = budget;
        _log = log;
        _look = new EntryLook(log);
        _parents = new ParentDirectories(ingest);
    }

    public void Dispose() => _parents.Dispose();

    /// <summary>Applies all entries, then the times of directories, which every file made in them would change again.</summary>
    /// <exception cref="InvalidDataException">The archive is damaged, or holds what no file system can; names the entry.</exception>
    /// <exception cref="Faults.ResourceExhaustedException">It is larger than the limits allow.</exception>
    /// <exception cref="SyscallException">The node failed: disk full, input/output error.</exception>
    internal void Apply(TarReader reader, CancellationToken cancel)
    {
        while (reader.Next(cancel) is { } entry)
        {
            cancel.ThrowIfCancellationRequested();
            _budget.TakeEntry();
            try
            {
                Apply(entry, reader, cancel);
            }
            catch (InvalidDataException e)
            {
                throw new InvalidDataException($"entry {Show(entry)}: {e.Message}", e);
            }
            catch (SyscallException e) when (IsFaultOfContent(e.Errno))
            {
                throw new InvalidDataException($"entry {Show(entry)}: {e.Message}", e);
            }
        }
        SetDirectoryTimes();
    }

    private void Apply(TarEntry entry, TarReader reader, CancellationToken cancel)
    {
        var path = EntryPath.Parse(entry.Path);
        if (path.Depth > _budget.Limits.MaxDepth)
            throw new InvalidDataException($"its path has {path.Depth} components, more than the {_budget.Limits.MaxDepth} that are allowed");
        if (path.IsRoot)
        {
            ApplyRoot(entry);
            return;
        }
        var whiteout = Whiteout.Classify(path);
        if (whiteout != WhiteoutKind.None)
            ApplyWhiteout(path, whiteout);
        else if (entry.Kind == TarKind.Regular)
            ApplyFile(entry, path, reader, cancel);
        else
            ApplyOther(entry, path);
    }

    private void ApplyOther(TarEntry entry, EntryPath path)
    {
        switch (entry.Kind)
        {
            case TarKind.Directory:
                ApplyDirectory(entry, path);
                break;
            case TarKind.SymbolicLink:
                ApplySymbolicLink(entry, path);
                break;
            case TarKind.HardLink:
                ApplyHardLink(entry, path);
                break;
            case TarKind.CharacterDevice when entry is { DeviceMajor: 0, DeviceMinor: 0 }:
                // It would be a whiteout that the archive's author forged past the rules for whiteouts.
                _log.EntrySkipped(path, "a character device 0:0");
                break;
            case TarKind.CharacterDevice or TarKind.BlockDevice or TarKind.Fifo:
                ApplySpecial(entry, path);
                break;
            default:
                _log.EntrySkipped(path, "its type is unknown");
                break;
        }
    }

    private void ApplyRoot(TarEntry entry)
    {
        if (entry.Kind != TarKind.Directory)
            throw new InvalidDataException("the root of a layer can only be a directory");
        _ingest.RootIsOmitted = false;
        _look.Apply(_ingest.Tree, entry, EntryPath.Parse([]));
        _parents.Forget();
        _directoryTimes.Add(([], entry.ModifiedSeconds, entry.ModifiedNanoseconds));
    }

    private void ApplyWhiteout(EntryPath path, WhiteoutKind kind)
    {
        if (kind == WhiteoutKind.Bookkeeping)
        {
            _log.EntrySkipped(path, "bookkeeping of AUFS");
            return;
        }
        var parent = _parents.Open(path.Parent);
        if (kind == WhiteoutKind.Opaque)
        {
            // Also where a link leads to the root.
            if (FileStatus.Get(parent, "layer").Inode == FileStatus.Get(_ingest.Tree, "layer").Inode)
                _ingest.RootIsOpaque = true;
            else
                Whiteout.MakeOpaque(parent, path.ToString());
            return;
        }
        var hidden = Whiteout.HiddenName(path);
        if (Whiteout.TryMake(parent, hidden))
        {
            _ingest.Inodes++;
            return;
        }
        // This layer's own file stays, and hides the one below anyway; its own directory must not be merged with one below.
        using var directory = DirectoryEntry.TryOpenDirectory(parent, hidden);
        if (directory is not null)
            Whiteout.MakeOpaque(directory, path.ToString());
    }

    private void ApplyDirectory(TarEntry entry, EntryPath path)
    {
        var parent = _parents.Open(path.Parent);
        var isOpaque = false;
        if (DirectoryEntry.TryMakeDirectory(parent, path.Name, 0x1C0))
        {
            Count(BlockSize);
        }
        else if (FileStatus.TryGet(parent, path.Name, path.ToString()) is var status and not { Kind: FileKind.Directory })
        {
            isOpaque = Whiteout.Is(status);
            parent = Clear(path);
            DirectoryEntry.TryMakeDirectory(parent, path.Name, 0x1C0);
        }
        using var directory = DirectoryEntry.TryOpenDirectory(parent, path.Name)
            ?? throw new InvalidDataException("it vanished while it was unpacked");
        if (isOpaque)
            Whiteout.MakeOpaque(directory, path.ToString());
        if (_ingest.HasOmitted)
            _ingest.ForgetOmitted(FileStatus.Get(directory, path.ToString()).Inode);
        _look.Apply(directory, entry, path);
        // It may be the directory that the next file goes into, and now gives it a group.
        if ((entry.Mode & SetGroupId) != 0)
            _parents.Forget();
        _directoryTimes.Add((path.Bytes, entry.ModifiedSeconds, entry.ModifiedNanoseconds));
    }

    private void ApplyFile(TarEntry entry, EntryPath path, TarReader reader, CancellationToken cancel)
    {
        var mode = _look.InitialMode(entry);
        using var file = DirectoryEntry.TryMakeFile(_parents.Open(path.Parent), path.Name, mode)
            ?? DirectoryEntry.TryMakeFile(Clear(path), path.Name, mode)
            ?? throw new InvalidDataException("its name was taken while it was unpacked");
        Count((entry.Size + BlockSize - 1) & -BlockSize);
        if (entry.Sparse is null)
        {
            Copy(file, 0, entry.Size, reader, cancel);
            if (entry.Size >= WritingSize)
                RegularFile.BeginWriting(file, 0, entry.Size);
        }
        else
        {
            RegularFile.SetLength(file, entry.FileLength, path.ToString());
            foreach (var piece in entry.Sparse)
                Copy(file, piece.Offset, piece.Length, reader, cancel);
        }
        _look.ApplyToNew(file, entry, path, _parents.LastGivesGroup);
        FileOwnership.SetTimes(file, entry.ModifiedSeconds, entry.ModifiedNanoseconds, "layer");
    }

    private static void Copy(FileDescriptor file, long offset, long length, TarReader reader, CancellationToken cancel)
    {
        while (length > 0)
        {
            var piece = reader.ReadContent(length, cancel);
            if (piece.IsEmpty)
                throw new InvalidDataException("its content is shorter than its header says");
            RegularFile.WriteAt(file, piece, offset, "layer");
            offset += piece.Length;
            length -= piece.Length;
        }
    }

    private void ApplySymbolicLink(TarEntry entry, EntryPath path)
    {
        if (entry.LinkTarget.Length == 0)
            throw new InvalidDataException("it is a symbolic link to nothing");
        var parent = _parents.Open(path.Parent);
        if (!DirectoryEntry.TryMakeLink(parent, path.Name, entry.LinkTarget))
        {
            parent = Clear(path);
            DirectoryEntry.TryMakeLink(parent, path.Name, entry.LinkTarget);
        }
        Count(0);
        _look.ApplyToEntry(parent, path, entry);
    }

    private void ApplyHardLink(TarEntry entry, EntryPath path)
    {
        var target = EntryPath.Parse(entry.LinkTarget);
        if (target.IsRoot)
            throw new InvalidDataException("it is a hard link to the root directory");
        var parent = _parents.Open(path.Parent);
        using var targetParent = SafePath.TryOpenDirectory(_ingest.Tree, target.Parent);
        var status = targetParent is null ? null : FileStatus.TryGet(targetParent, target.Name, target.ToString());
        if (status is { Kind: FileKind.Directory })
            throw new InvalidDataException($"it is a hard link to {target}, which is a directory");
        if (targetParent is null || status is null || Whiteout.Is(status))
        {
            Clear(path);
            _ingest.AddLowerLink(path.Bytes, target.Bytes);
            return;
        }
        if (DirectoryEntry.TryMakeHardLink(targetParent, target.Name, parent, path.Name))
            return;
        // A link to itself, or to another name of the same file, is there already; clearing it could lose the file.
        if (FileStatus.TryGet(parent, path.Name, path.ToString())?.Inode == status.Inode)
            return;
        DirectoryEntry.TryMakeHardLink(targetParent, target.Name, Clear(path), path.Name);
    }

    private void ApplySpecial(TarEntry entry, EntryPath path)
    {
        var kind = entry.Kind switch
        {
            TarKind.Fifo => FileKind.Fifo,
            TarKind.BlockDevice => FileKind.BlockDevice,
            _ => FileKind.CharacterDevice,
        };
        var parent = _parents.Open(path.Parent);
        if (!DirectoryEntry.TryMakeSpecial(parent, path.Name, kind, entry.DeviceMajor, entry.DeviceMinor))
        {
            parent = Clear(path);
            DirectoryEntry.TryMakeSpecial(parent, path.Name, kind, entry.DeviceMajor, entry.DeviceMinor);
        }
        Count(0);
        _look.ApplyToEntry(parent, path, entry);
    }

    /// <summary>Takes away what an earlier entry left at that name; answers its directory, which may have moved by that.</summary>
    private FileDescriptor Clear(EntryPath path)
    {
        DirectoryRemover.RemoveEntry(_parents.Open(path.Parent), path.Name, path.ToString());
        _parents.Forget();
        return _parents.Open(path.Parent);
    }

    private void SetDirectoryTimes()
    {
        foreach (var (path, seconds, nanoseconds) in _directoryTimes)
        {
            var entry = EntryPath.Parse(path);
            if (entry.IsRoot)
            {
                FileOwnership.SetTimes(_ingest.Tree, seconds, nanoseconds, "/");
                continue;
            }
            // A later entry may have put something else there: that has its own time.
            using var parent = SafePath.TryOpenDirectory(_ingest.Tree, entry.Parent);
            using var directory = parent is null ? null : DirectoryEntry.TryOpenDirectory(parent, entry.Name);
            if (directory is not null)
                FileOwnership.SetTimes(directory, seconds, nanoseconds, entry.ToString());
        }
    }

    private void Count(long bytes)
    {
        _ingest.Inodes++;
        _ingest.Bytes += bytes;
    }

    private static string Show(TarEntry entry) => Encoding.UTF8.GetString(entry.Path);

    private static bool IsFaultOfContent(Errno errno) => errno is Errno.ENAMETOOLONG or Errno.ELOOP or Errno.ENOTDIR
        or Errno.EINVAL or Errno.EMLINK or Errno.ENOENT or Errno.EISDIR or Errno.E2BIG;
}
