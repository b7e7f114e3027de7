using Gantry.Faults;
using Xunit;

namespace Gantry.UnitTests.Images.Unpacking;

/// <summary>Archives that try to reach outside of their tree (facts/security.md, S19 and S20).</summary>
public sealed class LayerBreakoutTests : IDisposable
{
    private readonly LayerFixture _layers = new();

    public void Dispose() => _layers.Dispose();

    public static TheoryData<string> Attacks => [.. Archives("").Keys];

    [Theory]
    [MemberData(nameof(Attacks))]
    public async Task Unpack_ArchiveReachesOutside_CanaryIsUnharmed(string attack)
    {
        var archive = Archives($"{_layers.Root}/canary")[attack].Build();
        try
        {
            using var ingest = await _layers.UnpackAsync(archive);
        }
        catch (CorruptContentException)
        {
            // Refusing is as good as keeping it inside.
        }
        _layers.AssertCanaryUnharmed();
    }

    [Theory]
    [InlineData('2')]
    [InlineData('1')]
    [InlineData('0')]
    [InlineData('6')]
    public async Task Unpack_RootIsNoDirectory_IsRefused(char type)
    {
        var archive = new TarBuilder().Add("./", type, "/etc").Build();

        // A regular file whose name ends in a slash is an old way to write a directory.
        if (type == '0')
            archive = new TarBuilder().Add("a/..", type).Build();

        await Assert.ThrowsAsync<CorruptContentException>(() => _layers.UnpackAsync(archive));
    }

    [Fact]
    public async Task Unpack_RandomMixOfLinksAndFiles_CanaryIsUnharmed()
    {
        var random = new Random(20260101);
        string[] names = ["a", "b", "a/b", "b/a", "a/b/c", "../x", "/a", "./b/", "a/../b", ".wh.a", "a/.wh..wh..opq", "b/.wh.b"];
        string[] targets = ["/", "..", "../../../../..", $"{_layers.Root}/canary", "a", "b", "a/b", "/b/a", $"../../../canary/file", "."];
        for (var round = 0; round < 150; round++)
        {
            var archive = new TarBuilder();
            for (var i = 0; i < 12; i++)
            {
                var name = names[random.Next(names.Length)];
                var target = targets[random.Next(targets.Length)];
                _ = random.Next(5) switch
                {
                    0 => archive.File(name, "evil", 0xFFF, uid: 7),
                    1 => archive.Directory(name, 0x1FF, uid: 7),
                    2 => archive.HardLink(name, target),
                    3 => archive.Pax(("SCHILY.xattr.user.evil", "1")).Link(name, target),
                    _ => archive.Link(name, target),
                };
            }
            try
            {
                using var ingest = await _layers.UnpackAsync(archive.Build());
            }
            catch (CorruptContentException)
            {
            }
        }
        _layers.AssertCanaryUnharmed();
    }

    [Fact]
    public async Task Unpack_FileThroughAbsoluteLink_LandsInsideTheTree()
    {
        var archive = new TarBuilder().Directory("etc").Link("link", "/etc").File("link/passwd", "inside").Build();

        using var ingest = await _layers.UnpackAsync(archive);

        Assert.Equal("inside", File.ReadAllText($"{ingest.TreePath}/etc/passwd"));
    }

    private static Dictionary<string, TarBuilder> Archives(string canary) => new()
    {
        ["dot dot"] = new TarBuilder().File("../../../canary/file", "evil"),
        ["absolute"] = new TarBuilder().File($"{canary}/file", "evil"),
        ["symlink absolute"] = new TarBuilder().Link("l", canary).File("l/file", "evil"),
        ["symlink relative"] = new TarBuilder().Link("l", "../../../../canary").File("l/file", "evil"),
        ["symlink chain"] = new TarBuilder().Link("a", "..").Link("b", "a/..").Link("c", "b/../../canary").File("c/file", "evil"),
        ["symlink to root and up"] = new TarBuilder().Link("r", "/").File("r/../../canary/file", "evil"),
        ["replace a directory by a symlink"] = new TarBuilder().Directory("d").File("d/x").Link("d", canary).File("d/file", "evil"),
        ["directory over symlink"] = new TarBuilder().Link("d", canary).Directory("d", 0x1FF, uid: 7).File("d/file", "evil"),
        ["directory mode through symlink"] = new TarBuilder().Link("d", canary).Directory("d/sub", 0x1FF, uid: 7),
        ["file over symlink"] = new TarBuilder().Link("f", $"{canary}/file").File("f", "evil"),
        ["hard link out"] = new TarBuilder().HardLink("h", "../../../../canary/file").File("h", "evil"),
        ["hard link absolute"] = new TarBuilder().HardLink("h", $"{canary}/file").File("h", "evil", 0xFFF),
        ["hard link through symlink"] = new TarBuilder().Link("l", canary).HardLink("h", "l/file").File("h", "evil"),
        ["hard link to symlink then write"] = new TarBuilder().Link("l", $"{canary}/file").HardLink("h", "l").File("h", "evil", 0xFFF),
        ["hard link to symlink then directory"] = new TarBuilder().Link("l", canary).HardLink("h", "l").Directory("h", 0x1FF).File("h/file", "evil"),
        ["whiteout through symlink"] = new TarBuilder().Link("l", canary).File("l/.wh.file"),
        ["whiteout up"] = new TarBuilder().File("../../../canary/.wh.file"),
        ["opaque through symlink"] = new TarBuilder().Link("l", canary).File("l/.wh..wh..opq"),
        ["fifo through symlink"] = new TarBuilder().Link("l", canary).Add("l/file", '6'),
        ["device through symlink"] = new TarBuilder().Link("l", canary).Device("l/file", '3', 1, 3),
        ["dangling link made real"] = new TarBuilder().Link("l", $"{canary}/new").File("l/x", "evil"),
        ["attributes through symlink"] = new TarBuilder().Link("l", canary).Pax(("SCHILY.xattr.user.evil", "1")).Directory("l/sub"),
        ["magic link"] = new TarBuilder().Link("l", "/proc/self/cwd").File("l/evil", "evil"),
        ["root as symlink"] = new TarBuilder().Link("./", canary).File("file", "evil"),
        ["link loop"] = new TarBuilder().Link("a", "b").Link("b", "a").File("a/x", "evil"),
        ["long name"] = new TarBuilder().Add("L", 'L', content: [.. "../../../canary/file\0"u8]).File("x", "evil"),
        ["pax path"] = new TarBuilder().Pax(("path", "../../../canary/file")).File("x", "evil"),
        ["pax link"] = new TarBuilder().Pax(("linkpath", $"{canary}/file")).HardLink("h", "x").File("h", "evil"),
    };
}
