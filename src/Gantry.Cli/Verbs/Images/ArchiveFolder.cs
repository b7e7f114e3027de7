using System.Formats.Tar;

namespace Gantry.Cli.Verbs.Images;

/// <summary>
/// Image archives as folders. The tar reader and writer of .NET will do here: what passes are plain files with names of
/// our own making, and layers stay closed.
/// </summary>
internal static class ArchiveFolder
{
    /// <summary>Writes an archive's files into a folder, which is made where it is missing.</summary>
    /// <exception cref="InvalidDataException">A name in the archive leads out of the folder.</exception>
    public static async Task WriteAsync(Stream archive, string folder, CancellationToken cancel)
    {
        var root = Path.GetFullPath(folder);
        Directory.CreateDirectory(root);
        await using var tar = new TarReader(archive);
        while (await tar.GetNextEntryAsync(copyData: false, cancel) is { } entry)
        {
            var path = Path.GetFullPath(Path.Combine(root, entry.Name));
            if (!path.StartsWith(root + "/", StringComparison.Ordinal))
                throw new InvalidDataException($"the archive's entry {entry.Name} leads out of {root}");
            if (entry.EntryType is TarEntryType.Directory)
            {
                Directory.CreateDirectory(path);
                continue;
            }
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await using var file = File.Create(path);
            if (entry.DataStream is { } content)
                await content.CopyToAsync(file, cancel);
        }
    }

    /// <summary>Writes a folder's files as an archive: an OCI layout, or an unpacked Docker archive.</summary>
    public static async Task ReadAsync(string folder, Stream archive, CancellationToken cancel)
    {
        await using var tar = new TarWriter(archive, TarEntryFormat.Pax, leaveOpen: true);
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            // A link could lead out of the folder; those of old Docker archives lead to files that are there.
            var real = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
            if (!Path.GetFullPath(real).StartsWith(Path.GetFullPath(folder) + "/", StringComparison.Ordinal))
                throw new InvalidDataException($"{path} is a link that leads out of {folder}");
            await using var content = File.OpenRead(real);
            await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, Path.GetRelativePath(folder, path)) { DataStream = content }, cancel);
        }
    }
}
