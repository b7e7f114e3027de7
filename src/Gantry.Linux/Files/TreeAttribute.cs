using System.Text;
using Gantry.Linux.Descriptors;

namespace Gantry.Linux.Files;

/// <summary>
/// Gives every file of a tree one and the same extended attribute, a tree that somebody else may change at the same time: it
/// follows no link, opens nothing but directories, and needs no deeper stack and no more descriptors for a tree of any depth.
/// </summary>
public sealed class TreeAttribute
{
    private const int MaxValue = 4096;
    private readonly byte[] _name;
    private readonly byte[] _value;
    private readonly CancellationToken _given;
    private readonly Stack<byte[]> _directories = new();

    private TreeAttribute(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, CancellationToken given)
    {
        _name = [.. name, 0];
        _value = value.ToArray();
        _given = given;
    }

    /// <summary>
    /// Sets the attribute of what is at <paramref name="path"/> and of everything below it, what is mounted there too; the
    /// top comes last. What has it already is left alone, and so is what is on a file system without such attributes.
    /// </summary>
    /// <param name="path">A path without symbolic links.</param>
    /// <param name="name">As "security.selinux".</param>
    /// <param name="value">Of at most 4096 bytes.</param>
    /// <param name="given">Looked at in each directory.</param>
    /// <exception cref="SyscallException">EROFS or EPERM among others; ENAMETOOLONG for a tree that is deeper than a path can be.</exception>
    /// <exception cref="OperationCanceledException">Nobody waits any more; what was set stays so.</exception>
    public static void Set(string path, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, CancellationToken given)
    {
        var slash = path.LastIndexOf('/');
        using var parent = RegularFile.OpenDirectory(slash <= 0 ? "/" : path[..slash]);
        var top = Encoding.UTF8.GetBytes(path[(slash + 1)..]);
        var tree = new TreeAttribute(name, value, given);
        using (var directory = DirectoryEntry.TryOpenDirectory(parent, top))
        {
            if (directory is not null)
                tree.SetBelow(directory, path);
        }
        tree.SetEntry(parent, top, path);
    }

    private void SetBelow(FileDescriptor top, string path)
    {
        _directories.Push([]);
        while (_directories.TryPop(out var below))
        {
            _given.ThrowIfCancellationRequested();
            using var directory = TryOpen(top, below, path);
            if (directory is null)
                continue;
            var subject = below.Length == 0 ? path : $"{path}/{EntryName.Show(below)}";
            foreach (var name in DirectoryEntry.List(directory, subject))
            {
                SetEntry(directory, name, subject);
                if (FileStatus.TryGet(directory, name, subject) is { Kind: FileKind.Directory })
                    _directories.Push(below.Length == 0 ? name : [.. below, (byte)'/', .. name]);
            }
        }
    }

    /// <summary>Null for what was moved or removed meanwhile, or became a link.</summary>
    private static FileDescriptor? TryOpen(FileDescriptor top, byte[] below, string path)
    {
        try
        {
            return SafePath.OpenBeneath(top, below.Length == 0 ? "."u8 : below, LibC.OReadOnly | LibC.ODirectory);
        }
        catch (SyscallException e)
        {
            return e.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP or Errno.EXDEV ? null : throw new SyscallException(e.Call, e.Errno, path);
        }
    }

    private void SetEntry(FileDescriptor parent, ReadOnlySpan<byte> entry, string subject)
    {
        // The parent by its open descriptor; neither call follows the last component.
        byte[] path = [.. Encoding.ASCII.GetBytes(parent.ProcPath), (byte)'/', .. entry, 0];
        if (Has(path) || LibC.SetAttributeByPath(path, _name, _value, (nuint)_value.Length, 0) == 0)
            return;
        var errno = LastErrno.Get();
        if (errno is not (Errno.EOPNOTSUPP or Errno.ENOENT or Errno.ESTALE))
            throw new SyscallException("lsetxattr", errno, $"{subject}/{EntryName.Show(entry)}");
    }

    /// <summary>Some attributes are read with a NUL behind.</summary>
    private bool Has(byte[] path)
    {
        Span<byte> buffer = stackalloc byte[MaxValue];
        var size = (int)LibC.GetAttributeByPath(path, _name, buffer, MaxValue);
        return size >= 0 && buffer[..size].TrimEnd((byte)0).SequenceEqual(_value);
    }
}
