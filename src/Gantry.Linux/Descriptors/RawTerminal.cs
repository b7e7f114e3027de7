namespace Gantry.Linux.Descriptors;

/// <summary>
/// A terminal that gives each key as it is typed, and writes each byte as it is (termios(3), raw mode). Disposing gives it
/// back as it was; any number of times, from any thread.
/// </summary>
public sealed class RawTerminal : IDisposable
{
    private const nuint GetAttributes = 0x5401;
    private const nuint SetAttributes = 0x5402;
    private const int Size = 64;

    // Offsets in the kernel's struct termios: four 32-bit flags, a line discipline, then the characters.
    private const int InputFlags = 0;
    private const int OutputFlags = 4;
    private const int ControlFlags = 8;
    private const int LocalFlags = 12;
    private const int Characters = 17;
    private const int MinimumCount = 6;
    private const int MinimumTime = 5;

    /// <summary>IGNBRK, BRKINT, PARMRK, ISTRIP, INLCR, IGNCR, ICRNL, IXON.</summary>
    private const uint InputProcessing = 0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x80 | 0x100 | 0x400;

    /// <summary>OPOST.</summary>
    private const uint OutputProcessing = 0x1;

    /// <summary>ECHO, ECHONL, ICANON, ISIG, IEXTEN.</summary>
    private const uint LineEditing = 0x8 | 0x40 | 0x2 | 0x1 | 0x8000;

    /// <summary>CSIZE and PARENB; then CS8.</summary>
    private const uint CharacterSize = 0x30 | 0x100;
    private const uint EightBits = 0x30;

    private readonly FileDescriptor _terminal;
    private readonly byte[] _before;
    private readonly byte[] _raw;

    private RawTerminal(FileDescriptor terminal, byte[] before)
    {
        _terminal = terminal;
        _before = before;
        _raw = (byte[])before.Clone();
        Change(InputFlags, InputProcessing, 0);
        Change(OutputFlags, OutputProcessing, 0);
        Change(ControlFlags, CharacterSize, EightBits);
        Change(LocalFlags, LineEditing, 0);
        _raw[Characters + MinimumCount] = 1;
        _raw[Characters + MinimumTime] = 0;
    }

    /// <summary>Makes a terminal raw; null where the descriptor is none.</summary>
    /// <param name="terminal">The caller's; open until the terminal is given back.</param>
    public static unsafe RawTerminal? TryEnter(FileDescriptor terminal)
    {
        var before = new byte[Size];
        // SAFE: the kernel writes its 36 bytes into the pinned 64.
        fixed (byte* bytes = before)
        {
            if (LibC.InterfaceControl(terminal.Number, GetAttributes, bytes) != 0)
                return null;
        }
        var raw = new RawTerminal(terminal, before);
        raw.Enter();
        return raw;
    }

    /// <summary>Makes it raw again, after something else has used it meanwhile.</summary>
    public void Enter() => Set(_raw);

    public void Dispose() => Set(_before);

    private void Change(int offset, uint clear, uint set)
    {
        var flags = _raw.AsSpan(offset, 4);
        BitConverter.TryWriteBytes(flags, (BitConverter.ToUInt32(flags) & ~clear) | set);
    }

    private unsafe void Set(byte[] attributes)
    {
        // SAFE: the kernel reads its 36 bytes of the pinned 64.
        fixed (byte* bytes = attributes)
            _ = LibC.InterfaceControl(_terminal.Number, SetAttributes, bytes);
    }
}
