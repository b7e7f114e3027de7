using System.Text;
using Gantry.Linux;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;
using Xunit;

namespace Gantry.UnitTests.Linux;

public sealed class TreeAttributeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gantry-attribute-").FullName;

    public TreeAttributeTests()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "trusted attributes need root");
        using var probe = RegularFile.Create($"{_folder}/probe", 0x180);
        try
        {
            ExtendedAttributes.Set(probe, "trusted.gantry"u8, "x"u8, "probe");
        }
        catch (SyscallException e) when (e.Errno is Errno.EOPNOTSUPP or Errno.EPERM)
        {
            Assert.Skip($"this file system or root has no trusted attributes: {e.Message}");
        }
        finally
        {
            File.Delete($"{_folder}/probe");
        }
    }

    public void Dispose()
    {
        DirectoryRemover.Remove(_folder);
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void Set_Tree_ReachesEverythingAndFollowsNoLink()
    {
        var (inside, outside) = ($"{_folder}/inside", $"{_folder}/outside");
        Directory.CreateDirectory($"{inside}/a/b");
        Directory.CreateDirectory(outside);
        File.WriteAllText($"{inside}/a/b/file", "");
        File.WriteAllText($"{outside}/file", "");
        File.CreateSymbolicLink($"{inside}/a/file-link", $"{outside}/file");
        File.CreateSymbolicLink($"{inside}/a/link", outside);
        using (var directory = RegularFile.OpenDirectory(inside))
            DirectoryEntry.TryMakeSpecial(directory, "fifo"u8, FileKind.Fifo, 0, 0);

        Set(inside);

        foreach (var path in new[] { inside, $"{inside}/a", $"{inside}/a/b", $"{inside}/a/b/file" })
            Assert.Equal("value", Get(path));
        Assert.Null(Get(outside));
        Assert.Null(Get($"{outside}/file"));
    }

    [Fact]
    public void Set_OneFile_IsThatFile()
    {
        File.WriteAllText($"{_folder}/file", "");
        File.WriteAllText($"{_folder}/other", "");

        Set($"{_folder}/file");

        Assert.Equal("value", Get($"{_folder}/file"));
        Assert.Null(Get($"{_folder}/other"));
    }

    [Fact]
    public void Set_DeepTree_NeedsNoMoreDescriptors()
    {
        var deepest = _folder + string.Concat(Enumerable.Repeat("/d", 1500));
        Directory.CreateDirectory(deepest);

        Set(_folder);

        Assert.Equal("value", Get(deepest));
    }

    [Fact]
    public void Set_Cancelled_Stops()
    {
        Directory.CreateDirectory($"{_folder}/a");

        Assert.Throws<OperationCanceledException>(() => TreeAttribute.Set(_folder, "trusted.gantry"u8, "value"u8, new CancellationToken(canceled: true)));

        Assert.Null(Get($"{_folder}/a"));
    }

    [Fact]
    public void Set_FileSystemWithoutAttributes_IsPassedOver() => TreeAttribute.Set("/proc/self/fdinfo", "trusted.gantry"u8, "value"u8, CancellationToken.None);

    private static void Set(string path) => TreeAttribute.Set(path, "trusted.gantry"u8, "value"u8, CancellationToken.None);

    private static string? Get(string path)
    {
        using FileDescriptor file = RegularFile.Open(path, 0);
        return ExtendedAttributes.TryGet(file, "trusted.gantry"u8, path) is { } value ? Encoding.UTF8.GetString(value) : null;
    }
}
