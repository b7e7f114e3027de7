using System.Runtime.InteropServices;

namespace Gantry.Linux;

internal static partial class LibC
{
    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Statx(int directory, string path, int flags, uint mask, out StatxBuffer buffer);

    [StructLayout(LayoutKind.Explicit, Size = 256)]
    internal struct StatxBuffer
    {
        [FieldOffset(0x10)] internal uint Links;
        [FieldOffset(0x14)] internal uint Uid;
        [FieldOffset(0x18)] internal uint Gid;
        [FieldOffset(0x1C)] internal ushort Mode;
        [FieldOffset(0x20)] internal ulong Inode;
        [FieldOffset(0x28)] internal ulong Size;
        [FieldOffset(0x30)] internal ulong Blocks;
        [FieldOffset(0x60)] internal long ChangedSeconds;
        [FieldOffset(0x68)] internal uint ChangedNanoseconds;
        [FieldOffset(0x70)] internal long ModifiedSeconds;
        [FieldOffset(0x78)] internal uint ModifiedNanoseconds;
        [FieldOffset(0x80)] internal uint SpecialMajor;
        [FieldOffset(0x84)] internal uint SpecialMinor;
        [FieldOffset(0x88)] internal uint DeviceMajor;
        [FieldOffset(0x8C)] internal uint DeviceMinor;
    }
}
