namespace Gantry.Linux.Descriptors;

/// <summary>Calls on terminals (tty_ioctl(4)).</summary>
public static class Terminal
{
    private const nuint GetWindowSize = 0x5413;
    private const nuint SetWindowSize = 0x5414;
    private const nuint GetAttributes = 0x5401;
    private const int LocalFlags = 12;
    private const int ControlCharacters = 17;
    private const int EndOfFile = 4;
    private const uint Canonical = 2;

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

    /// <summary>Whether the descriptor is a terminal.</summary>
    public static unsafe bool IsTerminal(FileDescriptor file)
    {
        var attributes = stackalloc byte[64];
        // SAFE: the kernel writes its 36 bytes of struct termios.
        return LibC.InterfaceControl(file.Number, GetAttributes, attributes) == 0;
    }

    /// <summary>The size of a terminal; null for a descriptor that is none, or does not know.</summary>
    public static unsafe (int Columns, int Rows)? TryGetSize(FileDescriptor terminal)
    {
        var size = stackalloc ushort[4];
        // SAFE: as above.
        return LibC.InterfaceControl(terminal.Number, GetWindowSize, (byte*)size) == 0 && size[0] > 0 && size[1] > 0 ? (size[1], size[0]) : null;
    }

    /// <summary>
    /// What to type so that the terminal's reader sees the end of its input: the end-of-file character, where lines are
    /// edited; null where programs read keys as they come, and no character means an end.
    /// </summary>
    /// <param name="terminal">Either side of it.</param>
    public static unsafe byte? EndOfInput(FileDescriptor terminal)
    {
        var attributes = stackalloc byte[64];
        // SAFE: the kernel's struct termios has 36 bytes: four 32-bit flags, a line discipline, then the characters.
        if (LibC.InterfaceControl(terminal.Number, GetAttributes, attributes) != 0 || (*(uint*)(attributes + LocalFlags) & Canonical) == 0)
            return null;
        return attributes[ControlCharacters + EndOfFile];
    }
}
