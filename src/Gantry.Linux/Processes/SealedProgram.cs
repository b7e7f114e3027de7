using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;

namespace Gantry.Linux.Processes;

/// <summary>
/// A program's file in sealed memory (memfd_create(2), F_ADD_SEALS in fcntl(2)), where nobody can change it any more. An OCI
/// runtime whose own file is not safe from containers copies itself before it does anything else (CVE-2019-5736), at every
/// start; one that is started from a sealed copy has no need to, and takes half the time to begin.
/// </summary>
/// <param name="path">The program, absolute.</param>
public sealed class SealedProgram(string path)
{
    /// <summary>The copy is memory that this process answers for: runtimes that are larger are started from their file.</summary>
    private const int MostBytes = 4 << 20;

    private const uint CloseOnExec = 1;
    private const uint AllowSealing = 2;
    private const uint Executable = 0x10;
    private const int AddSeals = 1033;

    /// <summary>Seal, shrink, grow and write: the four that a runtime asks for, and no other.</summary>
    private const int AllSeals = 0b1111;

    private readonly Lock _gate = new();
    private FileStatus? _source;
    private FileDescriptor? _copy;

    /// <summary>
    /// The copy of the program as it is on disk now; this object owns it. Null where the file itself is to be executed: it is
    /// no small ELF program, is not there, or the kernel refuses.
    /// </summary>
    public FileDescriptor? Current()
    {
        lock (_gate)
        {
            var source = TryGetStatus();
            if (source != _source)
            {
                // Not disposed: a start may be under way with it.
                _copy = source is null ? null : TryCopy();
                _source = source;
            }
            return _copy;
        }
    }

    private FileStatus? TryGetStatus()
    {
        try
        {
            return FileStatus.TryGet(path);
        }
        catch (SyscallException)
        {
            return null;
        }
    }

    private FileDescriptor? TryCopy()
    {
        try
        {
            using var file = RegularFile.Open(path, LibC.OReadOnly | LibC.ONonBlock);
            var bytes = RegularFile.ReadAll(file, path, MostBytes);
            return bytes.AsSpan().StartsWith("\u007fELF"u8) ? Seal(bytes) : null;
        }
        catch (Exception e) when (e is SyscallException or InvalidDataException or IOException)
        {
            return null;
        }
    }

    private FileDescriptor Seal(byte[] bytes)
    {
        // The name that crun gives its own copy: what watches for programs in memory knows it.
        var name = $"{Path.GetFileName(path)}_cloned:/proc/self/exe";
        using var written = Create(name);
        if (!DescriptorIo.WriteAll(written, bytes) || LibC.FileControl(written.Number, AddSeals, AllSeals) != 0)
            throw new SyscallException("memfd", LastErrno.Get(), path);
        // A file that is open for writing cannot be executed.
        return RegularFile.Open(written.ProcPath, LibC.OReadOnly);
    }

    private static FileDescriptor Create(string name)
    {
        var fd = LibC.MemoryFile(name, CloseOnExec | AllowSealing | Executable);
        // Linux before 6.3 does not know the last flag.
        if (fd < 0 && LastErrno.Get() is Errno.EINVAL)
            fd = LibC.MemoryFile(name, CloseOnExec | AllowSealing);
        return fd >= 0 ? new FileDescriptor(fd) : throw new SyscallException("memfd_create", LastErrno.Get(), name);
    }
}
