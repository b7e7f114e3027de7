using Gantry.Persistence;
using Xunit;

namespace Gantry.UnitTests.Persistence;

public sealed class TrashTests : IDisposable
{
    private readonly NodePaths _paths = new(Directory.CreateTempSubdirectory("gantry-trash-").FullName, "/nonexistent");

    public void Dispose() => Directory.Delete(_paths.Root, recursive: true);

    [Fact]
    public void Throw_Directory_IsGoneWithTheTrashEmpty()
    {
        var directory = Make("pod");

        Trash.Throw(_paths, directory, "pod");
        Trash.Throw(_paths, directory, "pod");

        Assert.False(Directory.Exists(directory));
        Assert.Empty(Directory.GetFileSystemEntries(_paths.Trash));
    }

    [Fact]
    public void Throw_NoRoomForANewName_DeletesInPlace()
    {
        var directory = Make("pod");
        // Nothing can be renamed into a file, as nothing can into a full directory.
        File.WriteAllText(_paths.Trash, "");

        Trash.Throw(_paths, directory, "pod");

        Assert.False(Directory.Exists(directory));
    }

    [Fact]
    public void Empty_WhatAnEarlierDaemonLeft_IsDeleted()
    {
        Directory.CreateDirectory(Path.Combine(_paths.Trash, "old", "deep"));
        File.WriteAllText(Path.Combine(_paths.Trash, "old", "deep", "file"), "x");
        File.WriteAllText(Path.Combine(_paths.Trash, "blob"), "x");

        Directory.CreateDirectory(Path.Combine(_paths.LayerTrash, "layer", "fs"));
        Directory.CreateDirectory(_paths.BlobTrash);
        File.WriteAllText(Path.Combine(_paths.BlobTrash, "blob"), "x");

        Trash.Empty(_paths);

        Assert.All([_paths.Trash, _paths.LayerTrash, _paths.BlobTrash], trash => Assert.Empty(Directory.GetFileSystemEntries(trash)));
    }

    private string Make(string name)
    {
        var directory = Path.Combine(_paths.Root, name);
        Directory.CreateDirectory(Path.Combine(directory, "upper", "a"));
        File.WriteAllText(Path.Combine(directory, "state.json"), "{}");
        return directory;
    }
}
