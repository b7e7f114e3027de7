using Gantry.UnitTests.Images.Pulling;
using Xunit;

namespace Gantry.UnitTests.Images.Store;

/// <summary>B40, B41, F44, F46: removal, use and restart never leave a broken image.</summary>
public sealed class ImageStoreTests
{
    [Fact]
    public async Task Remove_ByOneName_RemovesAllNamesAndEverythingOnDisk()
    {
        await using var node = await ImageFixture.StartAsync();
        node.Serve("team/app", "1", ImageFixture.ThreeLayers());
        node.Serve("team/app", "2", ImageFixture.ThreeLayers());
        await node.PullAsync();
        var image = await node.PullAsync("team/app:2");
        Assert.Equal(2, image.Tags.Count);

        await node.Remover.RemoveAsync(node.Name());
        await node.Remover.RemoveAsync(node.Name());

        Assert.Null(node.Images.Find(node.Name("team/app:2")));
        Assert.Empty(node.Snapshots.List());
        Assert.Empty(Directory.GetFiles($"{node.Paths.Images}/blobs/sha256"));
        Assert.Equal(default, node.Snapshots.Total);
        Assert.Equal(0, node.Images.Blobs.TotalBytes);
        node.AssertNothingUnfinished();
    }

    [Fact]
    public async Task Remove_ImageThatIsUsed_LeavesItsLayersUntilTheUseEnds()
    {
        await using var node = await ImageFixture.StartAsync();
        node.Serve("team/app", "1", ImageFixture.ThreeLayers());
        var image = await node.PullAsync();

        using (var use = node.Images.Use(node.Name()))
        {
            await node.Remover.RemoveAsync(image.Id.Value);
            Assert.All(use!.Image.ChainIds, chainId => Assert.True(Directory.Exists(node.Snapshots.TreePath(chainId))));
        }
        Assert.Null(node.Images.Use(node.Name()));
        await node.Collector.CollectAsync(withRecent: false);

        Assert.Empty(node.Snapshots.List());
    }

    [Fact]
    public async Task Remove_ImageUnderAContainer_LeavesItsTreesAndTakesItsBlobs()
    {
        await using var node = await ImageFixture.StartAsync();
        node.Serve("team/app", "1", ImageFixture.ThreeLayers());
        var image = await node.PullAsync();
        node.LayersInUse.UnionWith(image.ChainIds);

        await node.Remover.RemoveAsync(node.Name());

        Assert.Equal(3, node.Snapshots.List().Count);
        Assert.Empty(Directory.GetFiles($"{node.Paths.Images}/blobs/sha256"));
    }

    [Fact]
    public async Task B40_PullUseAndRemoveAtRandom_NeverGiveABrokenImage()
    {
        await using var node = await ImageFixture.StartAsync();
        foreach (var name in new[] { "one", "two", "three" })
            node.Serve($"team/{name}", "1", [.. ImageFixture.ThreeLayers(name)]);

        await Task.WhenAll(Enumerable.Range(0, 6).Select(WorkAsync));
        foreach (var name in new[] { "one", "two", "three" })
            await node.Remover.RemoveAsync(node.Name($"team/{name}:1"));
        await node.Collector.CollectAsync(withRecent: true);

        Assert.Empty(node.Snapshots.List());
        node.AssertNothingUnfinished();

        async Task WorkAsync(int seed)
        {
            var random = new Random(seed);
            // Rounds and not a time: six busy workers can keep the timer that would end them from ever running.
            for (var round = 0; round < 40; round++)
            {
                var name = new[] { "one", "two", "three" }[random.Next(3)];
                switch (random.Next(4))
                {
                    case 0:
                        await node.Remover.RemoveAsync(node.Name($"team/{name}:1"));
                        break;
                    case 1:
                        using (var cancel = new CancellationTokenSource(random.Next(20)))
                            await ((Task)node.PullAsync($"team/{name}:1", cancel: cancel.Token)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                        break;
                    default:
                        var pulled = await node.PullAsync($"team/{name}:1");
                        using (var use = node.Images.Use(pulled.Id.Value))
                        {
                            // Removed by another meanwhile: then it is absent, and not half there.
                            foreach (var chainId in use?.Image.ChainIds ?? [])
                                Assert.NotEmpty(Directory.GetFileSystemEntries(node.Snapshots.TreePath(chainId)));
                            foreach (var (digest, size) in use?.Image.Blobs ?? [])
                                Assert.Equal(size, new FileInfo(node.Images.BlobPath(digest)).Length);
                        }
                        break;
                }
            }
        }
    }

    [Fact]
    public async Task Open_AfterARestart_HasTheSameImages()
    {
        await using var node = await ImageFixture.StartAsync();
        node.Serve("team/app", "1", ImageFixture.ThreeLayers());
        var image = await node.PullAsync();
        await node.Images.UpdateAsync(image.Id.Value, one => one with { Pinned = true });
        var total = node.Snapshots.Total;

        await node.RestartAsync();

        var again = Assert.Single(node.Images.List());
        Assert.Equal((image.Id, image.ManifestDigest, true), (again.Id, again.ManifestDigest, again.Pinned));
        Assert.Equal(image.Names, again.Names);
        Assert.Equal(image.ChainIds, again.ChainIds);
        Assert.Equal(total, node.Snapshots.Total);
    }

    [Theory]
    [InlineData("layer blob missing")]
    [InlineData("layer blob empty")]
    [InlineData("config changed")]
    [InlineData("manifest missing")]
    [InlineData("tree missing")]
    [InlineData("tree record empty")]
    public async Task F46_DamageFoundAtStart_MakesTheImageAbsentAndAPullRepairsIt(string damage)
    {
        await using var node = await ImageFixture.StartAsync();
        node.Serve("team/app", "1", ImageFixture.ThreeLayers());
        var image = await node.PullAsync();
        var blob = node.Images.BlobPath(image.Layers[1].Digest);
        switch (damage)
        {
            case "layer blob missing":
                File.Delete(blob);
                break;
            case "layer blob empty":
                File.WriteAllText(blob, "");
                break;
            case "config changed":
                File.AppendAllText(node.Images.BlobPath(image.Id), " ");
                break;
            case "manifest missing":
                File.Delete(node.Images.BlobPath(image.ManifestDigest));
                break;
            case "tree missing":
                Directory.Delete(node.TreeOf(image, 1), recursive: true);
                break;
            default:
                File.WriteAllText($"{Path.GetDirectoryName(node.TreeOf(image, 1))}/layer.json", "");
                break;
        }

        await node.RestartAsync();
        Assert.Empty(node.Images.List());
        Assert.Contains(node.Name(), node.Images.DamagedNames);
        await node.PullAsync();
        await node.RestartAsync();

        Assert.Single(node.Images.List());
        Assert.Empty(node.Images.DamagedNames);
        var summary = await node.Checker.RunAsync(repair: false, null, finding => throw new Xunit.Sdk.XunitException(finding.Problem), CancellationToken.None);
        Assert.Equal(3, summary.Trees);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"manifests":[{"digest":"../../etc/passwd","size":1}]}""")]
    public async Task F44_IndexThatCannotBeRead_IsSetAsideAndTheDaemonStarts(string index)
    {
        await using var node = await ImageFixture.StartAsync();
        node.Serve("team/app", "1", ImageFixture.ThreeLayers());
        await node.PullAsync();
        File.WriteAllText($"{node.Paths.Images}/index.json", index);

        await node.RestartAsync();
        await node.PullAsync();

        Assert.Single(node.Images.List());
        Assert.True(File.Exists($"{node.Paths.Images}/index.json.broken"));
    }

    [Fact]
    public async Task Prune_RemovesTheNamelessAndWithAllTheUnused()
    {
        await using var node = await ImageFixture.StartAsync();
        node.Serve("team/used", "1", ImageFixture.ThreeLayers("used"));
        node.Serve("team/pinned", "1", ImageFixture.ThreeLayers("pinned"));
        node.Serve("team/app", "1", ImageFixture.ThreeLayers());
        node.LayersInUse.UnionWith((await node.PullAsync("team/used:1")).ChainIds);
        await node.PullAsync("team/pinned:1");
        await node.Images.UpdateAsync(node.Name("team/pinned:1"), image => image with { Pinned = true });
        await node.PullAsync();

        Assert.Empty((await node.Pruner.PruneAsync(all: false)).Removed);
        var removed = Assert.Single((await node.Pruner.PruneAsync(all: true)).Removed);

        Assert.Equal([node.Name()], removed.Tags);
        Assert.Equal(2, node.Images.Count);
    }

    [Fact]
    public async Task Usage_TellsWhatIsSharedAndWhatARemovalFrees()
    {
        await using var node = await ImageFixture.StartAsync();
        var layers = ImageFixture.ThreeLayers();
        node.Serve("team/app", "1", layers);
        node.Serve("team/base", "1", [layers[0]]);
        var app = await node.PullAsync();
        await node.PullAsync("team/base:1");

        var usages = Gantry.Images.Store.ImageUsages.Of(node.Images, node.Snapshots, node.LayersInUse);

        var usage = usages.Single(one => one.Image.Id == app.Id);
        var shared = layers[0].Blob.Length + node.Snapshots.Usage(app.ChainIds[0]).Bytes;
        Assert.Equal(shared, usage.SharedBytes);
        Assert.Equal(usage.BlobBytes + usage.TreeBytes - shared, usage.FreedBytes);
        var before = node.Snapshots.Total.Bytes + node.Images.Blobs.TotalBytes;
        await node.Remover.RemoveAsync(app.Id.Value);
        Assert.Equal(usage.FreedBytes, before - node.Snapshots.Total.Bytes - node.Images.Blobs.TotalBytes);
    }

    [Fact]
    public async Task Find_ByManifestDigestPrefixAndReference_IsTheSameImage()
    {
        await using var node = await ImageFixture.StartAsync();
        var (manifest, config) = node.Serve("team/app", "1", ImageFixture.ThreeLayers());
        await node.PullAsync();

        Assert.Equal(config, node.Images.Find(config.Hex[..12])!.Id);
        Assert.Equal(config, node.Images.Find($"{node.Registry.Host}/team/app@{manifest}")!.Id);
        Assert.Equal(config, node.Images.Find($"{node.Registry.Host}/team/app:other@{manifest}")!.Id);
        Assert.Null(node.Images.Find($"{node.Registry.Host}/team/other@{manifest}"));
        Assert.Null(node.Images.Find("sha256:" + new string('0', 64)));
    }
}
