using System.Text;
using Gantry.Linux;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;
using Microsoft.Extensions.Logging;

namespace Gantry.Images.Unpacking;

/// <summary>
/// Owner, mode and extended attributes of what an entry made, in the order in which none undoes another: chown clears
/// set-id bits and capabilities, so it comes first.
/// </summary>
internal sealed class EntryLook(ILogger log)
{
    private readonly uint _umask = FileOwnership.ReadUmask();

    /// <summary>The mode to make a file with: its own where that spares a call, and nobody else's where it is set later.</summary>
    internal uint InitialMode(TarEntry entry) => IsMadeSo(entry) ? entry.Mode : 0b110_000_000;

    /// <summary>Of a file that was just made with <see cref="InitialMode"/>.</summary>
    /// <param name="inheritsGroup">Its directory gives it a group (set-group-id).</param>
    internal void ApplyToNew(FileDescriptor file, TarEntry entry, EntryPath path, bool inheritsGroup)
    {
        // What root makes is root's: most files of most images.
        if (entry.Uid != 0 || entry.Gid != 0 || inheritsGroup)
            FileOwnership.SetOwner(file, entry.Uid, entry.Gid, "layer");
        if (!IsMadeSo(entry))
            FileOwnership.SetMode(file, entry.Mode, "layer");
        if (entry.Attributes is not null)
            SetAttributes(file, entry, path);
    }

    /// <summary>Of an open file or directory.</summary>
    internal void Apply(FileDescriptor file, TarEntry entry, EntryPath path)
    {
        FileOwnership.SetOwner(file, entry.Uid, entry.Gid, "layer");
        FileOwnership.SetMode(file, entry.Mode, "layer");
        SetAttributes(file, entry, path);
    }

    private bool IsMadeSo(TarEntry entry) => entry.Mode <= 0b111_111_111 && (entry.Mode & _umask) == 0;

    private void SetAttributes(FileDescriptor file, TarEntry entry, EntryPath path)
    {
        foreach (var (name, value) in Wanted(entry))
        {
            try
            {
                ExtendedAttributes.Set(file, name, value, "layer");
            }
            catch (SyscallException e) when (IsUnsupported(e.Errno, name))
            {
                Skip(name, path);
            }
        }
    }

    /// <summary>Of a symbolic link, FIFO or device, which must not be opened; its times too.</summary>
    internal void ApplyToEntry(FileDescriptor parent, EntryPath path, TarEntry entry)
    {
        FileOwnership.SetOwner(parent, path.Name, entry.Uid, entry.Gid);
        if (entry.Kind != TarKind.SymbolicLink)
        {
            using var place = DirectoryEntry.TryOpenPlace(parent, path.Name)
                ?? throw new InvalidDataException("it vanished while it was unpacked");
            FileOwnership.SetModeOfPlace(place, entry.Mode, path.ToString());
        }
        foreach (var (name, value) in Wanted(entry))
        {
            try
            {
                ExtendedAttributes.Set(parent, path.Name, name, value);
            }
            catch (SyscallException e) when (IsUnsupported(e.Errno, name))
            {
                Skip(name, path);
            }
        }
        FileOwnership.SetTimes(parent, path.Name, entry.ModifiedSeconds, entry.ModifiedNanoseconds);
    }

    private void Skip(byte[] name, EntryPath path)
    {
        if (log.IsEnabled(LogLevel.Debug))
            log.AttributeSkipped(Encoding.UTF8.GetString(name), path);
    }

    /// <summary>All but those that would speak to this node's overlayfs or security modules in the image's name.</summary>
    private static IEnumerable<KeyValuePair<byte[], byte[]>> Wanted(TarEntry entry) =>
        entry.Attributes?.Where(attribute => !IsForbidden(attribute.Key)) ?? [];

    internal static bool IsForbidden(ReadOnlySpan<byte> name) =>
        name.StartsWith("trusted.overlay."u8) || name.StartsWith("user.overlay."u8)
        || name.SequenceEqual("security.selinux"u8) || name.SequenceEqual("security.evm"u8) || name.SequenceEqual("security.ima"u8);

    /// <summary>A capability that is lost would be a program that fails later, far from here: that one must not be skipped.</summary>
    private static bool IsUnsupported(Errno errno, ReadOnlySpan<byte> name) =>
        errno is Errno.EOPNOTSUPP or Errno.EPERM && !name.SequenceEqual("security.capability"u8);
}
