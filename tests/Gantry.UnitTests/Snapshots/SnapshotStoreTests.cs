using Gantry.Faults;
using Gantry.Identity;
using Gantry.Linux.Files;
using Gantry.Snapshots;
using Gantry.UnitTests.Images.Unpacking;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Gantry.UnitTests.Snapshots;

public sealed class SnapshotStoreTests : IDisposable
{
    private readonly LayerFixture _layers = new();

    public void Dispose() => _layers.Dispose();

    [Fact]
    public async Task Commit_OmittedDirectories_LookAsBelow()
    {
        var chain = await _layers.CommitAsync(
            new TarBuilder().Directory("./", 0x1C9).Directory("tmp", 0x3FF, uid: 3, mtime: 77).Directory("tmp/a", 0x1C0).Build(),
            new TarBuilder().File("other").Build(),
            new TarBuilder().File("tmp/a/b/new", "x").Build());

        var tree = _layers.Store.TreePath(chain[2]);
        var tmp = FileStatus.TryGet($"{tree}/tmp")!;
        Assert.Equal((0x3FFu, 3u, 77L), (tmp.Mode, tmp.Uid, tmp.ModifiedSeconds));
        Assert.Equal(0x1C0u, FileStatus.TryGet($"{tree}/tmp/a")!.Mode);
        Assert.Equal(0x1EDu, FileStatus.TryGet($"{tree}/tmp/a/b")!.Mode);
        Assert.Equal(0x1C9u, FileStatus.TryGet(tree)!.Mode);
    }

    [Fact]
    public async Task Commit_OmittedDirectoryThatIsHiddenBelow_StaysOrdinary()
    {
        var chain = await _layers.CommitAsync(
            new TarBuilder().Directory("d", 0x1C0).Directory("o").Directory("o/in", 0x1C0).Build(),
            new TarBuilder().File(".wh.d").File("o/.wh..wh..opq").Build(),
            new TarBuilder().File("d/f").File("o/in/f").Build());

        var tree = _layers.Store.TreePath(chain[2]);
        Assert.Equal(0x1EDu, FileStatus.TryGet($"{tree}/d")!.Mode);
        Assert.Equal(0x1EDu, FileStatus.TryGet($"{tree}/o/in")!.Mode);
    }

    [Fact]
    public async Task Commit_HardLinkToFileBelow_IsCopiedUp()
    {
        var chain = await _layers.CommitAsync(
            new TarBuilder().Directory("usr", 0x1C9).File("usr/tool", "tool", 0x9ED, uid: 5).Build(),
            new TarBuilder().HardLink("bin/alias", "usr/tool").Build());

        var tree = _layers.Store.TreePath(chain[1]);
        var alias = FileStatus.TryGet($"{tree}/bin/alias")!;
        Assert.Equal("tool", File.ReadAllText($"{tree}/bin/alias"));
        Assert.Equal((0x9EDu, 5u, 2u), (alias.Mode, alias.Uid, alias.Links));
        Assert.Equal(0x1C9u, FileStatus.TryGet($"{tree}/usr")!.Mode);
    }

    [Fact]
    public async Task Commit_HardLinkToNothing_IsRefused() =>
        await Assert.ThrowsAsync<CorruptContentException>(() => _layers.CommitAsync(new TarBuilder().HardLink("a", "missing").Build()));

    [Fact]
    public async Task Commit_OpaqueRoot_HidesEachNameBelow()
    {
        var chain = await _layers.CommitAsync(
            new TarBuilder().Directory("shared").File("gone").Build(),
            new TarBuilder().File(".wh..wh..opq").Directory("shared").Build());

        var tree = _layers.Store.TreePath(chain[1]);
        Assert.True(LayerFixture.IsWhiteout($"{tree}/gone"));
        Assert.Equal("y"u8.ToArray(), LayerFixture.Attribute($"{tree}/shared", "trusted.overlay.opaque"));
    }

    [Fact]
    public async Task Commit_SameChainTwice_FirstOneStays()
    {
        var archive = new TarBuilder().File("f", "1").Build();
        using var first = await _layers.UnpackAsync(archive);
        var second = await _layers.UnpackAsync(archive);
        var chainId = Digest.Compute(archive);

        _layers.Store.Commit(first, chainId, null);
        var inode = FileStatus.TryGet(_layers.Store.TreePath(chainId))!.Inode;
        _layers.Store.Commit(second, chainId, null);
        second.Dispose();

        Assert.Equal(inode, FileStatus.TryGet(_layers.Store.TreePath(chainId))!.Inode);
        Assert.Empty(Directory.GetDirectories($"{_layers.Paths.Snapshots}/ingest"));
        Assert.Equal([chainId], _layers.Store.List());
    }

    [Fact]
    public async Task Remove_CommittedTree_LeavesNothing()
    {
        var chain = await _layers.CommitAsync(new TarBuilder().Directory("d").File("d/f", "x").Build());
        Assert.Equal(3, _layers.Store.Usage(chain[0]).Inodes + 1);

        _layers.Store.Remove(chain[0]);
        _layers.Store.Remove(chain[0]);

        Assert.False(_layers.Store.Contains(chain[0]));
        Assert.Empty(Directory.GetFileSystemEntries(_layers.Paths.LayerTrash));
    }

    [Fact]
    public async Task CleanLeftovers_AfterRestartAndReboot_KeepsOnlyWhatIsWhole()
    {
        var chain = await _layers.CommitAsync(new TarBuilder().File("a").Build(), new TarBuilder().File("b").Build());
        using var unfinished = _layers.Store.Begin();
        var record = $"{_layers.Paths.Snapshots}/sha256/{chain[1].Hex}/layer.json";
        File.WriteAllText(record, File.ReadAllText(record).Replace(File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim(), "earlier", StringComparison.Ordinal));

        var restarted = new SnapshotStore(_layers.Paths, NullLogger.Instance);
        restarted.CleanLeftovers(new HashSet<Digest> { chain[1] });
        Assert.True(restarted.Contains(chain[1]));
        restarted = new SnapshotStore(_layers.Paths, NullLogger.Instance);
        restarted.CleanLeftovers(new HashSet<Digest>());

        Assert.Equal([chain[0]], restarted.List());
        Assert.Empty(Directory.GetDirectories($"{_layers.Paths.Snapshots}/ingest"));
    }

    [Fact]
    public void Of_TwoLayers_IsTheDigestOfBoth()
    {
        var a = Digest.Compute([1]);
        var b = Digest.Compute([2]);

        Assert.Equal([a, Digest.Compute(System.Text.Encoding.ASCII.GetBytes($"{a} {b}"))], ChainId.Of([a, b]));
    }
}
