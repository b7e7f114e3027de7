using System.Text;
using Gantry.Linux.Descriptors;

namespace Gantry.Linux.Mounts;

/// <summary>
/// A file system that is being configured (fsopen(2)): one call per option, so that no option list is too long, and the
/// kernel says in words what it does not like.
/// </summary>
public sealed class FileSystemContext : IDisposable
{
    private const nint SetFlagCommand = 0;
    private const nint SetStringCommand = 1;
    private const nint CreateCommand = 6;
    private const int CloseOnExec = 1;
    private readonly FileDescriptor _context;
    private readonly string _type;

    private FileSystemContext(FileDescriptor context, string type)
    {
        _context = context;
        _type = type;
    }

    /// <summary>Begins a file system of that type.</summary>
    /// <exception cref="SyscallException">ENOSYS before Linux 5.2; ENODEV where the kernel lacks the type.</exception>
    public static FileSystemContext Open(string type)
    {
        var fd = LibC.FsOpen(LibC.FsOpenNumber, type, CloseOnExec);
        return fd >= 0
            ? new FileSystemContext(new FileDescriptor((int)fd), type)
            : throw new SyscallException("fsopen", LastErrno.Get(), type);
    }

    /// <exception cref="SyscallException">EINVAL for an option that this kernel does not know, or a value of at least 256 bytes.</exception>
    public void Set(string key, string value) => Configure(SetStringCommand, key, value);

    /// <inheritdoc cref="Set(string, string)"/>
    public void Set(string flag) => Configure(SetFlagCommand, flag, null);

    /// <summary>Makes the file system and a mount of it that is not yet attached anywhere.</summary>
    /// <exception cref="SyscallException">What the file system said to its options.</exception>
    public FileDescriptor CreateMount(MountAttributes attributes)
    {
        Configure(CreateCommand, null, null);
        var fd = LibC.FsMount(LibC.FsMountNumber, _context.Number, CloseOnExec, (nint)attributes);
        return fd >= 0 ? new FileDescriptor((int)fd) : throw new SyscallException("fsmount", LastErrno.Get(), _type + Messages());
    }

    public void Dispose() => _context.Dispose();

    private void Configure(nint command, string? key, string? value)
    {
        if (LibC.FsConfig(LibC.FsConfigNumber, _context.Number, command, key, value, 0) == 0)
            return;
        var errno = LastErrno.Get();
        var option = value is null ? key : $"{key}={value}";
        throw new SyscallException("fsconfig", errno, option is null ? _type + Messages() : $"{_type} {option}{Messages()}");
    }

    /// <summary>What the kernel wrote about the failure, as " (…)"; it hands out one message per read.</summary>
    private string Messages()
    {
        var text = new StringBuilder();
        var buffer = new byte[1024];
        for (var i = 0; i < 16; i++)
        {
            var read = (int)LibC.ReadMessage(_context.Number, buffer, (nuint)buffer.Length);
            if (read <= 0)
                break;
            text.Append(text.Length == 0 ? " (" : "; ").Append(Encoding.UTF8.GetString(buffer, 0, read).Trim());
        }
        return text.Length == 0 ? "" : text.Append(')').ToString();
    }
}
