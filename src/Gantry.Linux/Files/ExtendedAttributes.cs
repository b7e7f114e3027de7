using System.Text;
using Gantry.Linux.Descriptors;

namespace Gantry.Linux.Files;

/// <summary>Extended attributes (xattr(7)), byte for byte.</summary>
public static class ExtendedAttributes
{
    private const int MaxName = 256;
    private const int MaxList = 64 * 1024;
    private const int MaxValue = 64 * 1024;

    /// <summary>Sets an attribute of an open file.</summary>
    /// <exception cref="SyscallException">What fsetxattr returned: EOPNOTSUPP where the file system has none of that kind.</exception>
    public static void Set(FileDescriptor file, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, string subject)
    {
        Span<byte> space = stackalloc byte[MaxName];
        if (LibC.SetAttribute(file.Number, EntryName.Terminate(name, space), value, (nuint)value.Length, 0) != 0)
            throw new SyscallException("fsetxattr", LastErrno.Get(), $"{subject} {EntryName.Show(name)}");
    }

    /// <summary>Sets an attribute of an entry that must not be opened or followed: a link, a FIFO, a device.</summary>
    /// <exception cref="SyscallException">What lsetxattr returned.</exception>
    public static void Set(FileDescriptor parent, ReadOnlySpan<byte> entry, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        // The parent by its open descriptor; lsetxattr does not follow the last component.
        byte[] path = [.. Encoding.ASCII.GetBytes(parent.ProcPath), (byte)'/', .. entry, 0];
        Span<byte> space = stackalloc byte[MaxName];
        if (LibC.SetAttributeByPath(path, EntryName.Terminate(name, space), value, (nuint)value.Length, 0) != 0)
            throw new SyscallException("lsetxattr", LastErrno.Get(), $"{EntryName.Show(entry)} {EntryName.Show(name)}");
    }

    /// <summary>An attribute's value; null where the file has none of that name.</summary>
    /// <exception cref="SyscallException">What fgetxattr returned.</exception>
    public static byte[]? TryGet(FileDescriptor file, ReadOnlySpan<byte> name, string subject)
    {
        Span<byte> space = stackalloc byte[MaxName];
        var buffer = new byte[MaxValue];
        var size = LibC.GetAttribute(file.Number, EntryName.Terminate(name, space), buffer, MaxValue);
        if (size >= 0)
            return buffer[..(int)size];
        var errno = LastErrno.Get();
        return errno is Errno.ENODATA or Errno.EOPNOTSUPP
            ? null
            : throw new SyscallException("fgetxattr", errno, $"{subject} {EntryName.Show(name)}");
    }

    /// <summary>The names of an open file's attributes.</summary>
    /// <exception cref="SyscallException">What flistxattr returned.</exception>
    public static IReadOnlyList<byte[]> List(FileDescriptor file, string subject)
    {
        var buffer = new byte[MaxList];
        var size = (int)LibC.ListAttributes(file.Number, buffer, MaxList);
        if (size < 0)
        {
            var errno = LastErrno.Get();
            return errno == Errno.EOPNOTSUPP ? [] : throw new SyscallException("flistxattr", errno, subject);
        }
        var names = new List<byte[]>();
        for (var at = 0; at < size;)
        {
            var length = buffer.AsSpan(at, size - at).IndexOf((byte)0);
            if (length < 0)
                break;
            names.Add(buffer[at..(at + length)]);
            at += length + 1;
        }
        return names;
    }
}
