using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;

namespace Gantry.Images.Unpacking;

/// <summary>What an archive's name says about the layers below (OCI image-spec, layer.md, "Whiteouts").</summary>
internal enum WhiteoutKind
{
    /// <summary>An ordinary entry.</summary>
    None,

    /// <summary>".wh.NAME": NAME of the layers below is gone.</summary>
    Hide,

    /// <summary>".wh..wh..opq": nothing in this directory shows from below.</summary>
    Opaque,

    /// <summary>AUFS's own bookkeeping, which never belongs to an image's content.</summary>
    Bookkeeping,
}

/// <summary>Recognises whiteouts in archives, and makes those of overlayfs.</summary>
internal static class Whiteout
{
    private static ReadOnlySpan<byte> OpaqueAttribute => "trusted.overlay.opaque"u8;

    /// <exception cref="InvalidDataException">The name is a whiteout of nothing, of "." or of "..".</exception>
    internal static WhiteoutKind Classify(EntryPath path)
    {
        var name = path.Name;
        if (path.Bytes.AsSpan().StartsWith(".wh..wh."u8) && path.Depth > 1)
            return WhiteoutKind.Bookkeeping;
        if (!name.StartsWith(".wh."u8))
            return WhiteoutKind.None;
        if (name.SequenceEqual(".wh..wh..opq"u8))
            return WhiteoutKind.Opaque;
        if (name.StartsWith(".wh..wh."u8))
            return WhiteoutKind.Bookkeeping;
        var hidden = HiddenName(path);
        return hidden.IsEmpty || hidden.SequenceEqual("."u8) || hidden.SequenceEqual(".."u8)
            ? throw new InvalidDataException("it is a whiteout of no name that a file can have")
            : WhiteoutKind.Hide;
    }

    /// <summary>The name that a <see cref="WhiteoutKind.Hide"/> entry takes away.</summary>
    internal static ReadOnlySpan<byte> HiddenName(EntryPath path) => path.Name[4..];

    /// <summary>Whether a directory entry is overlayfs's whiteout: the character device 0:0.</summary>
    internal static bool Is(FileStatus? status) => status is { Kind: FileKind.CharacterDevice, SpecialMajor: 0, SpecialMinor: 0 };

    /// <summary>Makes overlayfs's whiteout; false where the name is taken.</summary>
    internal static bool TryMake(FileDescriptor parent, ReadOnlySpan<byte> name) =>
        DirectoryEntry.TryMakeSpecial(parent, name, FileKind.CharacterDevice, 0, 0);

    /// <summary>Hides what the layers below have in this directory.</summary>
    internal static void MakeOpaque(FileDescriptor directory, string subject) =>
        ExtendedAttributes.Set(directory, OpaqueAttribute, "y"u8, subject);
}
