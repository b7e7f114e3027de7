using System.Text;
using Gantry.Faults;
using Gantry.Linux.Files;
using Xunit;

namespace Gantry.UnitTests.Images.Unpacking;

public sealed class LayerApplierTests : IDisposable
{
    private readonly LayerFixture _layers = new();

    public void Dispose() => _layers.Dispose();

    [Fact]
    public async Task Unpack_FileWithSetIdAndOwner_BothAreKept()
    {
        var archive = new TarBuilder().Directory("bin").File("bin/su", "x", 0x9ED /* 4755 */, uid: 1000, mtime: 1234567890).Build();

        using var ingest = await _layers.UnpackAsync(archive);

        var status = FileStatus.TryGet($"{ingest.TreePath}/bin/su")!;
        Assert.Equal((0x9EDu, 1000u, 1000u, 1234567890L), (status.Mode, status.Uid, status.Gid, status.ModifiedSeconds));
        Assert.Equal(1000, FileStatus.TryGet($"{ingest.TreePath}/bin")!.ModifiedSeconds);
    }

    [Fact]
    public async Task Unpack_CapabilityAttribute_IsByteExact()
    {
        const string capability = "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
        var archive = new TarBuilder().Pax(("SCHILY.xattr.security.capability", capability), ("SCHILY.xattr.user.raw", "a\nb\0\xFF"))
            .File("ping", "x", 0x1ED, uid: 5).Build();

        using var ingest = await _layers.UnpackAsync(archive);

        Assert.Equal(Encoding.Latin1.GetBytes(capability), LayerFixture.Attribute($"{ingest.TreePath}/ping", "security.capability"));
        Assert.Equal([(byte)'a', (byte)'\n', (byte)'b', 0, 0xFF], LayerFixture.Attribute($"{ingest.TreePath}/ping", "user.raw"));
    }

    [Fact]
    public async Task Unpack_OverlayAttributesAndForgedWhiteout_AreDropped()
    {
        var archive = new TarBuilder()
            .Pax(("SCHILY.xattr.trusted.overlay.opaque", "y"), ("SCHILY.xattr.user.overlay.redirect", "/x")).Directory("d")
            .Device("forged", '3', 0, 0).Device("null", '3', 1, 3).Build();

        using var ingest = await _layers.UnpackAsync(archive);

        Assert.Null(LayerFixture.Attribute($"{ingest.TreePath}/d", "trusted.overlay.opaque"));
        Assert.Null(LayerFixture.Attribute($"{ingest.TreePath}/d", "user.overlay.redirect"));
        Assert.Null(FileStatus.TryGet($"{ingest.TreePath}/forged", followLinks: false));
        Assert.Equal(3u, FileStatus.TryGet($"{ingest.TreePath}/null")!.SpecialMinor);
    }

    [Fact]
    public async Task Unpack_SameNameTwice_LaterOneWins()
    {
        var archive = new TarBuilder()
            .File("a").Directory("a").File("a/in", "1")
            .Directory("b").File("b/gone").File("b", "file")
            .Link("c", "nowhere").Directory("c").File("c/in", "2")
            .Directory("d").File("d/kept", "3").Directory("d", 0x1C0).Build();

        using var ingest = await _layers.UnpackAsync(archive);

        Assert.Equal("1", File.ReadAllText($"{ingest.TreePath}/a/in"));
        Assert.Equal("file", File.ReadAllText($"{ingest.TreePath}/b"));
        Assert.Equal("2", File.ReadAllText($"{ingest.TreePath}/c/in"));
        Assert.Equal("3", File.ReadAllText($"{ingest.TreePath}/d/kept"));
        Assert.Equal(0x1C0u, FileStatus.TryGet($"{ingest.TreePath}/d")!.Mode);
    }

    [Fact]
    public async Task Unpack_HardLinkToItself_KeepsTheFile()
    {
        var archive = new TarBuilder().File("f", "content").HardLink("f", "f").HardLink("g", "./f").HardLink("g", "f").Build();

        using var ingest = await _layers.UnpackAsync(archive);

        Assert.Equal("content", File.ReadAllText($"{ingest.TreePath}/g"));
        Assert.Equal(2u, FileStatus.TryGet($"{ingest.TreePath}/f")!.Links);
    }

    [Fact]
    public async Task Unpack_Whiteouts_SpeakOfLowerLayersOnly()
    {
        var archive = new TarBuilder()
            .File(".wh.gone")
            .Directory("own").File("own/file", "1").File(".wh.own")
            .File("stays", "2").File(".wh.stays")
            .File(".wh.again").Directory("again")
            .Directory("opaque").File("opaque/before", "3").File("opaque/.wh..wh..opq").File("opaque/after", "4")
            .Directory(".wh..wh.plnk").File(".wh..wh.plnk/1.2").Build();

        using var ingest = await _layers.UnpackAsync(archive);

        var tree = ingest.TreePath;
        Assert.True(LayerFixture.IsWhiteout($"{tree}/gone"));
        Assert.Equal("1", File.ReadAllText($"{tree}/own/file"));
        Assert.Equal("2", File.ReadAllText($"{tree}/stays"));
        Assert.Equal("34", File.ReadAllText($"{tree}/opaque/before") + File.ReadAllText($"{tree}/opaque/after"));
        foreach (var directory in (string[])["own", "again", "opaque"])
            Assert.Equal("y"u8.ToArray(), LayerFixture.Attribute($"{tree}/{directory}", "trusted.overlay.opaque"));
        Assert.False(Directory.Exists($"{tree}/.wh..wh.plnk"));
    }

    [Theory]
    [InlineData(".wh.")]
    [InlineData("a/.wh..")]
    [InlineData(".wh...")]
    public async Task Unpack_WhiteoutOfNoName_IsRefused(string name)
    {
        var fault = await Assert.ThrowsAsync<CorruptContentException>(() => _layers.UnpackAsync(new TarBuilder().File(name).Build()));

        Assert.Contains(name, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unpack_NamesInEveryEncoding_StayBytes()
    {
        var archive = new TarBuilder().File("caf\xE9\n", "latin").File("./x//y/", "").File(new string('n', 98), "long").Build();

        using var ingest = await _layers.UnpackAsync(archive);

        using var tree = RegularFile.OpenDirectory(ingest.TreePath);
        Assert.Contains(DirectoryEntry.List(tree, ""), name => name.SequenceEqual(Encoding.Latin1.GetBytes("caf\xE9\n")));
        Assert.True(Directory.Exists($"{ingest.TreePath}/x/y"));
    }

    [Fact]
    public async Task Unpack_MoreThanTheLimits_IsRefusedAndLeavesNothing()
    {
        var archive = new TarBuilder();
        for (var i = 0; i < 20; i++)
            archive.File($"f{i}", new string('x', 1000));
        var bytes = archive.Build();

        _layers.Limits = new() { MaxEntries = 10 };
        await Assert.ThrowsAsync<ResourceExhaustedException>(() => _layers.UnpackAsync(bytes));
        _layers.Limits = new() { MaxBytes = 5000 };
        await Assert.ThrowsAsync<ResourceExhaustedException>(() => _layers.UnpackAsync(bytes));
        _layers.Limits = new() { MaxDepth = 3 };
        await Assert.ThrowsAsync<CorruptContentException>(() => _layers.UnpackAsync(new TarBuilder().File("a/b/c/d").Build()));

        Assert.Empty(Directory.GetDirectories($"{_layers.Paths.Snapshots}/ingest"));
    }
}
