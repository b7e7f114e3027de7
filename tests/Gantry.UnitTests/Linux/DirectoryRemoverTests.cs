using Gantry.Linux.Files;
using Gantry.Linux.Mounts;
using Xunit;

namespace Gantry.UnitTests.Linux;

public sealed class DirectoryRemoverTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("gantry-remove-").FullName;

    public void Dispose() => DirectoryRemover.Remove(_root);

    [Fact]
    public void Remove_TreeWithLinksOut_LeavesTheirTargets()
    {
        Directory.CreateDirectory($"{_root}/keep/sub");
        Directory.CreateDirectory($"{_root}/tree/a/b");
        File.WriteAllText($"{_root}/tree/a/file", "");
        File.CreateSymbolicLink($"{_root}/tree/a/b/link", $"{_root}/keep");
        File.CreateSymbolicLink($"{_root}/top", $"{_root}/keep");

        DirectoryRemover.Remove($"{_root}/tree/");
        DirectoryRemover.Remove($"{_root}/top");
        DirectoryRemover.Remove($"{_root}/never/was");

        Assert.Equal([$"{_root}/keep"], Directory.GetFileSystemEntries(_root));
        Assert.True(Directory.Exists($"{_root}/keep/sub"));
    }

    [Fact]
    public void Remove_VeryDeepAndWideTree_LeavesNothing()
    {
        using (var top = RegularFile.OpenDirectory(_root))
        {
            DirectoryEntry.TryMakeDirectory(top, "deep"u8, 0x1C0);
            var at = DirectoryEntry.TryOpenDirectory(top, "deep"u8)!;
            for (var i = 0; i < 3000; i++)
            {
                DirectoryEntry.TryMakeDirectory(at, "d"u8, 0x1C0);
                DirectoryEntry.TryMakeFile(at, "f"u8)!.Dispose();
                var next = DirectoryEntry.TryOpenDirectory(at, "d"u8)!;
                at.Dispose();
                at = next;
            }
            at.Dispose();
        }

        DirectoryRemover.Remove($"{_root}/deep");

        Assert.Empty(Directory.GetFileSystemEntries(_root));
    }

    [Fact]
    public void MountTable_EscapedMountPoint_IsPlain()
    {
        var mount = Assert.Single(MountTable.Parse("36 35 98:0 /m\\040x /mnt/a\\040b\\134c rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\nnonsense\n"));

        Assert.Equal(("/mnt/a b\\c", "/m x", "ext3", "98:0", "master:1 shared:2"), (mount.MountPoint, mount.Root, mount.FileSystemType, mount.Device, mount.Propagation));
    }
}
