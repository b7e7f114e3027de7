using System.Runtime.InteropServices;

namespace Gantry.Linux;

/// <summary>mount(2) and the calls that took it apart: fsopen(2), fsconfig(2), fsmount(2), move_mount(2), mount_setattr(2).</summary>
internal static partial class LibC
{
    internal const nint OpenTreeNumber = 428;
    internal const nint MoveMountNumber = 429;
    internal const nint FsOpenNumber = 430;
    internal const nint FsConfigNumber = 431;
    internal const nint FsMountNumber = 432;
    internal const nint MountSetAttributesNumber = 442;

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Mount(string? source, string target, string? type, nuint flags, string? data);

    [LibraryImport("libc", EntryPoint = "umount2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Umount2(string target, int flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint OpenTree(nint number, nint directory, string path, nuint flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint FsOpen(nint number, string type, uint flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint FsConfig(nint number, nint context, nint command, string? key, string? value, nint auxiliary);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint FsMount(nint number, nint context, nint flags, nint attributes);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint MoveMount(nint number, nint fromDirectory, string fromPath, nint toDirectory, string toPath, nint flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint MountSetAttributes(
        nint number, nint directory, string path, nint flags, in MountAttributesBuffer attributes, nuint size);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    internal static partial nint ReadMessage(int context, Span<byte> buffer, nuint size);

    [StructLayout(LayoutKind.Sequential)]
    internal struct MountAttributesBuffer
    {
        internal ulong Set;
        internal ulong Clear;
        internal ulong Propagation;
        internal ulong UserNamespace;
    }
}
