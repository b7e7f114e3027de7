using System.Text;
using Gantry.Faults;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;

namespace Gantry.Pods.Local;

/// <summary>
/// Finds a subPath in a volume. What lies in it may be a container's work: a symbolic link there would mount any place of
/// the node, so none is followed (CVE-2017-1002101).
/// </summary>
internal static class VolumeSubPath
{
    private const uint DirectoryMode = 0b111_101_101;

    /// <summary>The absolute path of the place, which is made as a directory where nothing is.</summary>
    /// <param name="volume">The volume's directory.</param>
    /// <param name="subPath">Relative, without "..".</param>
    /// <exception cref="WrongStateException">A link, or a file that is no directory, is in the way.</exception>
    public static string Resolve(string volume, string subPath)
    {
        var at = RegularFile.OpenDirectory(volume);
        try
        {
            var names = subPath.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(name => name != ".").ToList();
            for (var n = 0; n < names.Count; n++)
            {
                var next = Enter(at, Encoding.UTF8.GetBytes(names[n]), isLast: n == names.Count - 1)
                    ?? throw new WrongStateException($"subPath {subPath} of {volume}: '{names[n]}' is neither a directory nor, at its end, a file; links are not followed");
                at.Dispose();
                at = next;
            }
            return Encoding.UTF8.GetString(SafePath.PathOf(at));
        }
        finally
        {
            at.Dispose();
        }
    }

    private static FileDescriptor? Enter(FileDescriptor parent, ReadOnlySpan<byte> name, bool isLast)
    {
        if (DirectoryEntry.TryOpenPlace(parent, name) is not { } place)
        {
            DirectoryEntry.TryMakeDirectory(parent, name, DirectoryMode);
            return DirectoryEntry.TryOpenDirectory(parent, name);
        }
        using (place)
        {
            var kind = FileStatus.Get(place, "subPath").Kind;
            return kind is FileKind.Directory ? DirectoryEntry.TryOpenDirectory(parent, name)
                : kind is FileKind.Regular && isLast ? DirectoryEntry.TryOpenPlace(parent, name)
                : null;
        }
    }
}
