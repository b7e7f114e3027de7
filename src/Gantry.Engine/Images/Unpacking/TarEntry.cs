namespace Gantry.Images.Unpacking;

/// <summary>What a tar header describes.</summary>
internal enum TarKind
{
    Regular,
    HardLink,
    SymbolicLink,
    CharacterDevice,
    BlockDevice,
    Directory,
    Fifo,

    /// <summary>A type flag that we don't know: its content is skipped.</summary>
    Unknown,
}

/// <summary>A piece of a sparse file: where its bytes go. The bytes themselves follow each other in the archive.</summary>
internal readonly record struct SparsePiece(long Offset, long Length);

/// <summary>One member of a tar archive, after its long names and PAX records were taken into account. Names are bytes.</summary>
internal sealed class TarEntry
{
    public required TarKind Kind { get; init; }

    /// <summary>As the archive has it: not normalised, perhaps absolute, perhaps with "..".</summary>
    public required byte[] Path { get; init; }

    /// <summary>The target of a symbolic link, or the path of the file that a hard link shares.</summary>
    public byte[] LinkTarget { get; init; } = [];

    /// <summary>Permission bits with set-id and sticky.</summary>
    public uint Mode { get; init; }

    public uint Uid { get; init; }

    public uint Gid { get; init; }

    /// <summary>Bytes of content in the archive.</summary>
    public long Size { get; set; }

    public long ModifiedSeconds { get; init; }

    public long ModifiedNanoseconds { get; init; }

    public uint DeviceMajor { get; init; }

    public uint DeviceMinor { get; init; }

    /// <summary>Name and value, byte for byte; null where there is none.</summary>
    public IReadOnlyList<KeyValuePair<byte[], byte[]>>? Attributes { get; init; }

    /// <summary>Where the content goes in a sparse file; null for an ordinary one.</summary>
    public IReadOnlyList<SparsePiece>? Sparse { get; set; }

    /// <summary>The length of the file that results; differs from <see cref="Size"/> for a sparse one.</summary>
    public long FileLength { get; init; }
}
