namespace Gantry.Linux.Descriptors;

/// <summary>Calls on terminals (tty_ioctl(4)).</summary>
public static class Terminal
{
    private const nuint SetWindowSize = 0x5414;

    /// <summary>Sets the size of a terminal by its master; numbers are cut to 1 to 65535, and a terminal that is gone is fine.</summary>
    public static unsafe void SetSize(FileDescriptor master, int columns, int rows)
    {
        var size = stackalloc ushort[4];
        size[0] = (ushort)Math.Clamp(rows, 1, ushort.MaxValue);
        size[1] = (ushort)Math.Clamp(columns, 1, ushort.MaxValue);
        size[2] = size[3] = 0;
        // SAFE: struct winsize is four 16-bit numbers: rows, columns, and two that nobody reads.
        _ = LibC.InterfaceControl(master.Number, SetWindowSize, (byte*)size);
    }
}
