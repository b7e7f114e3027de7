using Gantry.Linux.Descriptors;

namespace Gantry.Linux.Mounts;

/// <summary>
/// A copy of a mount, or of a whole tree of them, that lies nowhere yet (open_tree(2)): it is changed while nobody can see
/// it, then attached. Disposing one that was not attached takes it away; an attached one stays.
/// </summary>
public sealed class MountTree : IDisposable
{
    private const nuint CloneFlag = 1;
    private const nuint CloseOnExec = 0x80000;
    private const nint Recursive = 0x8000;
    private const nint EmptyPath = 0x1000;
    private const ulong AccessTimeMask = 0x70;
    private const ulong IdMap = 0x100000;
    private readonly FileDescriptor _tree;
    private readonly string _subject;
    private readonly bool _isRecursive;

    private MountTree(FileDescriptor tree, string subject, bool isRecursive)
    {
        _tree = tree;
        _subject = subject;
        _isRecursive = isRecursive;
    }

    /// <summary>Copies what shows at <paramref name="path"/>, a directory or a file.</summary>
    /// <param name="recursive">With what is mounted below; every change is then made to all of them.</param>
    /// <exception cref="SyscallException">What open_tree returned; ENOSYS before Linux 5.2.</exception>
    public static MountTree Copy(string path, bool recursive)
    {
        var fd = LibC.OpenTree(LibC.OpenTreeNumber, LibC.AtFdCwd, path, CloneFlag | CloseOnExec | (recursive ? (nuint)Recursive : 0));
        return fd >= 0 ? new MountTree(new FileDescriptor((int)fd), path, recursive) : throw new SyscallException("open_tree", LastErrno.Get(), path);
    }

    /// <summary>Sets and clears attributes.</summary>
    /// <exception cref="SyscallException">What mount_setattr returned; ENOSYS before Linux 5.12.</exception>
    public void Change(MountAttributes set, MountAttributes clear = MountAttributes.None)
    {
        // Times of access are one field of several bits, which is cleared as a whole before it is set.
        var times = set.HasFlag(MountAttributes.NoAccessTime) || clear.HasFlag(MountAttributes.NoAccessTime) ? AccessTimeMask : 0;
        Call(new LibC.MountAttributesBuffer { Set = (ulong)set, Clear = ((ulong)clear & ~AccessTimeMask) | times });
    }

    /// <summary>Sets how mounts made below it later spread.</summary>
    /// <exception cref="SyscallException">What mount_setattr returned.</exception>
    public void Change(Propagation propagation) => Call(new LibC.MountAttributesBuffer { Propagation = (ulong)propagation });

    /// <summary>Shows files' owners as the user namespace's ids: 0 on disk is 0 in the namespace (mount_setattr(2), MOUNT_ATTR_IDMAP).</summary>
    /// <param name="userNamespacePath">A file of that namespace.</param>
    /// <exception cref="SyscallException">EINVAL where the file system cannot have its ids mapped; EPERM where they are mapped already.</exception>
    public void MapIds(string userNamespacePath)
    {
        using var file = Files.RegularFile.Open(userNamespacePath, LibC.OReadOnly);
        Call(new LibC.MountAttributesBuffer { Set = IdMap, UserNamespace = (ulong)file.Number });
    }

    /// <summary>Attaches it at a directory or file of the same kind as what was copied.</summary>
    /// <exception cref="SyscallException">What move_mount returned.</exception>
    public void Attach(string target) => Mount.Attach(_tree, target);

    public void Dispose() => _tree.Dispose();

    private void Call(in LibC.MountAttributesBuffer attributes)
    {
        if (LibC.MountSetAttributes(LibC.MountSetAttributesNumber, _tree.Number, "", EmptyPath | (_isRecursive ? Recursive : 0), attributes, 32) != 0)
            throw new SyscallException("mount_setattr", LastErrno.Get(), _subject);
    }
}
