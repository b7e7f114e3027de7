using Gantry.Linux.Files;

namespace Gantry.Persistence;

/// <summary>How directories of objects go: renamed into the trash, where nobody looks for objects, then deleted.</summary>
public static class Trash
{
    /// <summary>Deletes a directory; one that is not there is fine.</summary>
    /// <param name="paths">The node's paths; where the trash is on another file system, the directory is deleted where it is.</param>
    /// <param name="directory">What to delete.</param>
    /// <param name="name">Its name in the trash.</param>
    /// <exception cref="IOException">It could not be renamed, or not be deleted whole; the next start deletes the rest.</exception>
    public static void Throw(NodePaths paths, string directory, string name)
    {
        if (!Directory.Exists(directory))
            return;
        var target = Path.Combine(paths.Trash, $"{name}.{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(paths.Trash);
            Directory.Move(directory, target);
        }
        catch (IOException) when (Directory.Exists(directory))
        {
            // A full disk may have no room for the new name, and must not keep anything from being deleted. The record
            // goes first: without it, what a crash leaves is taken for what it is.
            File.Delete(Path.Combine(directory, "state.json"));
            target = directory;
        }
        catch (DirectoryNotFoundException)
        {
            return;
        }
        DirectoryRemover.Remove(target);
    }

    /// <summary>Deletes what an earlier daemon left in the trash.</summary>
    public static void Empty(NodePaths paths)
    {
        // Blobs are a file each; all else is a directory.
        foreach (var trash in new[] { paths.Trash, paths.BlobTrash, paths.LayerTrash }.Where(Directory.Exists))
        {
            foreach (var directory in Directory.EnumerateDirectories(trash))
                DirectoryRemover.Remove(directory);
            foreach (var file in Directory.EnumerateFiles(trash))
                File.Delete(file);
        }
    }
}
