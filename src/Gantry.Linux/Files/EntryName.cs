using System.Text;

namespace Gantry.Linux.Files;

/// <summary>Bytes of a name or path as the kernel wants them: with a NUL behind, and none within.</summary>
internal static class EntryName
{
    /// <summary>Room for a name of 255 bytes and its NUL on the caller's stack.</summary>
    internal const int StackSize = 256;

    /// <summary>Copies <paramref name="name"/> with a NUL behind it into <paramref name="space"/>, or into a new array where it does not fit.</summary>
    /// <exception cref="SyscallException">EINVAL: there is a NUL within.</exception>
    internal static ReadOnlySpan<byte> Terminate(ReadOnlySpan<byte> name, Span<byte> space)
    {
        if (name.Contains((byte)0))
            throw new SyscallException("name", Errno.EINVAL, Show(name));
        var target = name.Length < space.Length ? space : new byte[name.Length + 1];
        name.CopyTo(target);
        target[name.Length] = 0;
        return target[..(name.Length + 1)];
    }

    /// <summary>The name for a message.</summary>
    internal static string Show(ReadOnlySpan<byte> name) => Encoding.UTF8.GetString(name).Replace('\0', '?');
}
