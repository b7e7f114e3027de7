using Gantry.Images.Checking;
using Gantry.UnitTests.Images.Pulling;
using Gantry.UnitTests.Images.Unpacking;
using Xunit;

namespace Gantry.UnitTests.Images.Checking;

/// <summary>F46: what was changed or deleted on disk is found, and the damaged piece alone is brought back.</summary>
public sealed class ImageCheckerTests
{
    [Theory]
    [InlineData("blob deleted", "blob")]
    [InlineData("blob changed", "blob")]
    [InlineData("manifest deleted", "blob")]
    [InlineData("config changed", "blob")]
    [InlineData("file changed", "layer")]
    [InlineData("file deleted", "layer")]
    [InlineData("file emptied", "layer")]
    [InlineData("mode changed", "layer")]
    [InlineData("tree deleted", "layer")]
    public async Task F46_Damage_IsFoundAndRepairedAlone(string damage, string subject)
    {
        await using var node = await ImageFixture.StartAsync();
        node.Serve("team/app", "1", ImageFixture.ThreeLayers());
        var image = await node.PullAsync();
        Damage(node, image, damage);
        var fetched = node.Registry.SeenOf("/blobs/").Count();

        var found = await CheckAsync(node, repair: false);
        Assert.Contains(found, finding => finding.Subject.StartsWith(subject, StringComparison.Ordinal) && !finding.IsRepaired);
        var repaired = await CheckAsync(node, repair: true);

        Assert.All(repaired, finding => Assert.True(finding.IsRepaired, finding.Repair));
        Assert.Empty(await CheckAsync(node, repair: false));
        Assert.InRange(node.Registry.SeenOf("/blobs/").Count() - fetched, 0, 1);
        node.AssertNothingUnfinished();
    }

    [Fact]
    public async Task F46_DamagedLayerUnderAContainer_IsToldAndLeftAlone()
    {
        await using var node = await ImageFixture.StartAsync();
        node.Serve("team/app", "1", ImageFixture.ThreeLayers());
        var image = await node.PullAsync();
        Damage(node, image, "file changed");
        node.LayersInUse.UnionWith(image.ChainIds);

        var finding = Assert.Single(await CheckAsync(node, repair: true));

        Assert.False(finding.IsRepaired);
        Assert.Contains("container", finding.Repair, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_WholeImageOfEveryKindOfEntry_FindsNothing()
    {
        await using var node = await ImageFixture.StartAsync();
        node.Serve("team/app", "1",
        [
            TestLayer.Of(new TarBuilder().Directory("./").Directory("d", 0x3FF, uid: 5).File("d/f", "1").Link("d/l", "f").HardLink("d/h", "d/f")
                .Device("d/null", '3', 1, 3).Device("d/pipe", '6', 0, 0).Device("d/forged", '3', 0, 0).File("twice", "first").File("twice", "second").Directory("becomes/a").File("becomes", "file")
                .Pax(("SCHILY.xattr.user.mark", "m")).File("marked", "x", 0x9ED, uid: 7)),
            TestLayer.Of(new TarBuilder().File("d/.wh.f").HardLink("again", "twice").File("d/.wh..wh..opq")),
        ]);

        await node.PullAsync();

        Assert.Empty(await CheckAsync(node, repair: false));
    }

    private static void Damage(ImageFixture node, Gantry.Images.ImageRecord image, string damage)
    {
        var tool = $"{node.TreeOf(image, 0)}/usr/tool";
        var blob = node.Images.BlobPath(image.Layers[0].Digest);
        switch (damage)
        {
            case "blob deleted":
                File.Delete(blob);
                break;
            case "blob changed":
                using (var file = File.OpenWrite(blob))
                {
                    file.Position = 50;
                    file.WriteByte(1);
                }
                break;
            case "manifest deleted":
                File.Delete(node.Images.BlobPath(image.ManifestDigest));
                break;
            case "config changed":
                File.AppendAllText(node.Images.BlobPath(image.Id), " ");
                break;
            case "file changed":
                var time = File.GetLastWriteTimeUtc(tool);
                using (var file = File.OpenWrite(tool))
                {
                    file.Position = 150_000;
                    file.WriteByte((byte)'x');
                }
                // The time tells nothing: a disk that lies does not set it.
                File.SetLastWriteTimeUtc(tool, time);
                break;
            case "file deleted":
                File.Delete(tool);
                break;
            case "file emptied":
                File.WriteAllText(tool, "");
                break;
            case "mode changed":
                File.SetUnixFileMode(tool, UnixFileMode.UserRead);
                break;
            default:
                Directory.Delete(Path.GetDirectoryName(node.TreeOf(image, 0))!, recursive: true);
                break;
        }
    }

    private static async Task<IReadOnlyList<CheckFinding>> CheckAsync(ImageFixture node, bool repair)
    {
        var found = new List<CheckFinding>();
        await node.Checker.RunAsync(repair, null, finding =>
        {
            found.Add(finding);
            return Task.CompletedTask;
        }, CancellationToken.None);
        return found;
    }
}
