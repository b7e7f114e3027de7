using System.Collections.Concurrent;
using System.Text;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Images.Manifests;
using Gantry.Images.Pulling;
using Gantry.Images.Unpacking;
using Gantry.UnitTests.Images.Registry;
using Gantry.UnitTests.Images.Unpacking;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Gantry.UnitTests.Images.Pulling;

/// <summary>F22, F23, F27 to F30, S09, S25, S26: whole pulls from a registry that lies, breaks or asks for too much.</summary>
public sealed class PullTests
{
    [Fact]
    public async Task Pull_ThreeLayers_AreUnpackedAndTheNextPullDoesNothing()
    {
        await using var node = await ImageFixture.StartAsync();
        var (manifest, config) = node.Serve("team/app", "1", ImageFixture.ThreeLayers());

        var image = await node.PullAsync();
        var asked = node.Registry.SeenOf("/blobs/").Count();
        var again = await node.PullAsync();

        Assert.Equal(config, image.Id);
        Assert.Equal([node.Name()], image.Tags);
        Assert.Equal([$"{node.Registry.Host}/team/app@{manifest}"], image.RepoDigests);
        Assert.Equal("tttt", File.ReadAllText($"{node.TreeOf(image, 1)}/usr/alias")[..4]);
        Assert.True(LayerFixture.IsWhiteout($"{node.TreeOf(image, 2)}/etc/base"));
        Assert.Equal(image, again);
        Assert.Equal(4, asked);
        Assert.Equal(asked, node.Registry.SeenOf("/blobs/").Count());
        node.AssertNothingUnfinished();
    }

    [Fact]
    public async Task S13_Pull_OfWhatIsHere_AsksTheRegistryAllTheSame()
    {
        await using var node = await ImageFixture.StartAsync();
        node.Serve("team/app", "1", ImageFixture.ThreeLayers());
        await node.PullAsync();
        node.Registry.Answer = context => CredentialLeakTests.Answered(Fakes.FakeRegistry.JsonAsync(context, 403, "{}"));

        await Assert.ThrowsAsync<RegistryRefusedException>(() => node.PullAsync());
    }

    [Theory]
    [InlineData("layer")]
    [InlineData("config")]
    [InlineData("manifest")]
    public async Task F22_OtherBytesThanTheDigestSays_LeaveNoImage(string what)
    {
        await using var node = await ImageFixture.StartAsync();
        var layers = ImageFixture.ThreeLayers();
        var (manifest, config) = node.Serve("team/app", "1", layers);
        var name = "team/app:1";
        if (what == "layer")
            node.Registry.SwapBlob(Digest.Compute(layers[1].Blob), [.. layers[1].Blob[..^1], 0xFF]);
        if (what == "config")
            node.Registry.SwapBlob(config, Encoding.UTF8.GetBytes("{}"));
        if (what == "manifest")
        {
            node.Registry.Answer = context => context.Request.Path.Value!.Contains("sha256", StringComparison.Ordinal) && context.Request.Path.Value.Contains("manifests", StringComparison.Ordinal)
                ? CredentialLeakTests.Answered(context.Response.WriteAsync("{}")) : Task.FromResult(false);
            name = $"team/app@{manifest}";
        }

        await Assert.ThrowsAsync<CorruptContentException>(() => node.PullAsync(name));

        Assert.Empty(node.Images.List());
        node.AssertNothingUnfinished();
    }

    [Fact]
    public async Task S17_F22_MirrorWithOtherBytes_IsPassedOver()
    {
        await using var node = await ImageFixture.StartAsync();
        await using var mirror = await Fakes.FakeRegistry.StartAsync(host: "mirror.test");
        var layers = ImageFixture.ThreeLayers();
        node.Serve("team/app", "1", layers);
        mirror.SwapBlob(Digest.Compute(layers[0].Blob), new byte[layers[0].Blob.Length]);
        node.Net.Own(node.Registry, $"[host.\"{mirror.Url}\"]\n");

        await node.PullAsync();

        Assert.Contains(mirror.Seen, request => request.Path.Contains(Digest.Compute(layers[0].Blob).Value, StringComparison.Ordinal));
        Assert.Single(node.Images.List());
        node.AssertNothingUnfinished();
    }

    [Theory]
    [InlineData("wrong diff id")]
    [InlineData("one diff id too few")]
    [InlineData("one diff id too many")]
    [InlineData("another order")]
    public async Task S09_F22_DiffIdsThatDoNotFit_LeaveNoImage(string how)
    {
        await using var node = await ImageFixture.StartAsync();
        var layers = ImageFixture.ThreeLayers();
        var ids = layers.Select(layer => layer.DiffId).ToList();
        node.Serve("team/app", "1", layers, how switch
        {
            "wrong diff id" => [ids[0], Digest.Compute([1]), ids[2]],
            "one diff id too few" => [ids[0], ids[1]],
            "one diff id too many" => [.. ids, ids[0]],
            _ => [ids[1], ids[0], ids[2]],
        });

        await Assert.ThrowsAsync<CorruptContentException>(() => node.PullAsync());

        Assert.Empty(node.Images.List());
        node.AssertNothingUnfinished();
    }

    [Theory]
    [InlineData("truncated gzip")]
    [InlineData("gzip that says zstd")]
    [InlineData("plain that says gzip")]
    [InlineData("not a tar")]
    [InlineData("changed in the middle")]
    public async Task F23_DamagedPacking_IsAnErrorWithoutAPartialLayer(string how)
    {
        await using var node = await ImageFixture.StartAsync();
        var good = ImageFixture.ThreeLayers()[0];
        var bad = how switch
        {
            "truncated gzip" => good with { Blob = good.Blob[..(good.Blob.Length / 2)] },
            "gzip that says zstd" => good with { Type = "application/vnd.oci.image.layer.v1.tar+zstd" },
            "plain that says gzip" => good with { Blob = good.Archive },
            "not a tar" => good with { Blob = LayerFixture.Gzip(new byte[2000].Select((_, n) => (byte)(n + 1)).ToArray()) },
            _ => good with { Blob = [.. good.Blob[..40], (byte)~good.Blob[40], .. good.Blob[41..]] },
        };
        node.Serve("team/app", "1", [bad]);

        await Assert.ThrowsAsync<CorruptContentException>(() => node.PullAsync());

        Assert.Empty(node.Snapshots.List());
        node.AssertNothingUnfinished();
    }

    [Fact]
    public async Task F23_JunkBehindTheArchive_BelongsToTheBlobAndNotToTheTree()
    {
        await using var node = await ImageFixture.StartAsync();
        var good = ImageFixture.ThreeLayers()[0];
        node.Serve("team/app", "1", [good with { Blob = [.. good.Blob, .. "junk"u8] }]);

        // The decompressor ends quietly; digest and diff id are right, and so is the image.
        Assert.Equal("base", File.ReadAllText($"{node.TreeOf(await node.PullAsync(), 0)}/etc/base"));
    }

    [Fact]
    public async Task F28_S26_Bomb_StopsAtTheLimitAndLeavesNothing()
    {
        await using var node = await ImageFixture.StartAsync(new LayerLimits { MaxBytes = 1 << 20 });
        node.Serve("team/app", "1", [TestLayer.Of(new TarBuilder().Add("zeros", '0', content: new byte[4 << 20]))]);

        await Assert.ThrowsAsync<ResourceExhaustedException>(() => node.PullAsync());

        Assert.Empty(node.Snapshots.List());
        node.AssertNothingUnfinished();
    }

    [Fact]
    public async Task S26_LimitOfEntries_IsOfTheImageAndNotOfALayer()
    {
        await using var node = await ImageFixture.StartAsync(new LayerLimits { MaxEntries = 6 });
        node.Serve("team/app", "1", ImageFixture.ThreeLayers());

        await Assert.ThrowsAsync<ResourceExhaustedException>(() => node.PullAsync());
    }

    [Fact]
    public async Task S26_TooManyLayers_AreRefusedBeforeAnyIsFetched()
    {
        await using var node = await ImageFixture.StartAsync(images: new ImageLimits(MaxLayers: 2));
        node.Serve("team/app", "1", ImageFixture.ThreeLayers());

        await Assert.ThrowsAsync<CorruptContentException>(() => node.PullAsync());

        Assert.Empty(node.Registry.SeenOf("/blobs/"));
    }

    [Fact]
    public async Task F30_SameImageFiftyTimesAtOnce_IsFetchedOnce()
    {
        await using var node = await ImageFixture.StartAsync();
        node.Serve("team/app", "1", ImageFixture.ThreeLayers());

        var images = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => node.PullAsync()));

        Assert.All(images, image => Assert.Equal(images[0].Id, image.Id));
        Assert.Equal(4, node.Registry.SeenOf("/blobs/").Count());
    }

    [Fact]
    public async Task F30_ImagesThatShareABlob_FetchItOnce()
    {
        await using var node = await ImageFixture.StartAsync();
        var shared = ImageFixture.ThreeLayers()[0];
        node.Serve("team/app", "1", [shared, ImageFixture.ThreeLayers()[1]]);
        // The same blob on another base is another layer, and still the same bytes.
        node.Serve("team/other", "1", [ImageFixture.ThreeLayers()[2], shared]);

        await Task.WhenAll(node.PullAsync(), node.PullAsync("team/other:1"));

        Assert.Single(node.Registry.SeenOf(Digest.Compute(shared.Blob).Value));
        Assert.Equal(4, node.Snapshots.List().Count);
    }

    [Fact]
    public async Task F20_F29_Cancel_InTheMiddle_EndsSoonAndKeepsWhatIsVerified()
    {
        await using var node = await ImageFixture.StartAsync();
        var layers = ImageFixture.ThreeLayers();
        node.Serve("team/app", "1", layers);
        var stalled = new TaskCompletionSource();
        var last = Digest.Compute(layers[2].Blob).Value;
        node.Registry.Answer = async context =>
        {
            if (!context.Request.Path.Value!.EndsWith(last, StringComparison.Ordinal))
                return false;
            stalled.TrySetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return true;
        };
        using var cancel = new CancellationTokenSource();
        var progress = new Progress();
        var pulling = node.PullAsync(progress: progress, cancel: cancel.Token);
        await stalled.Task;
        await progress.WaitForAsync(layer => layer.Count(one => one.State == "unpacked") == 2);

        await cancel.CancelAsync();
        // Sooner than the server's silence would have ended it.
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pulling.WaitAsync(TimeSpan.FromSeconds(15)));
        node.Registry.Answer = null;
        var before = node.Registry.SeenOf("/blobs/").Count();
        await node.PullAsync();

        // The configuration's blob is small and is asked for again; of the layers only the last.
        Assert.InRange(node.Registry.SeenOf("/blobs/").Count() - before, 1, 2);
        Assert.Single(node.Images.List());
    }

    [Fact]
    public async Task S25_LayerThatFailsInTheMiddle_HoldsNothingUp()
    {
        await using var node = await ImageFixture.StartAsync(pulls: new PullLimits(1, 1));
        var layers = ImageFixture.ThreeLayers();
        node.Serve("team/bad", "1", [layers[0], layers[1] with { Blob = layers[1].Blob[..100] }, layers[2]]);
        node.Serve("team/app", "1", layers);

        for (var n = 0; n < 20; n++)
            await Assert.ThrowsAsync<CorruptContentException>(() => node.PullAsync("team/bad:1"));
        var image = await node.PullAsync();

        Assert.Equal(3, image.ChainIds.Count);
    }

    [Fact]
    public async Task Pull_TellsHowFarItIs()
    {
        await using var node = await ImageFixture.StartAsync();
        node.Serve("team/app", "1", ImageFixture.ThreeLayers());
        var progress = new Progress();

        await node.PullAsync(progress: progress);

        Assert.Equal(["unpacked", "unpacked", "unpacked"], progress.Seen.Last(one => one.Stage == "pulling").Layers.Select(layer => layer.State));
        Assert.Equal("done", progress.Seen.Last().Stage);
        Assert.Empty(node.Puller.Running);
    }

    [Fact]
    public async Task Pull_TagThatMoved_LeavesTheOldImageWithItsDigestAlone()
    {
        await using var node = await ImageFixture.StartAsync();
        node.Serve("team/app", "1", ImageFixture.ThreeLayers());
        var old = await node.PullAsync();
        node.Serve("team/app", "1", ImageFixture.ThreeLayers("new"));

        var now = await node.PullAsync();

        Assert.Equal(now.Id, node.Images.Find(node.Name())!.Id);
        Assert.Empty(node.Images.Find(old.Id.Value)!.Tags);
        Assert.Equal(old.RepoDigests, node.Images.Find(old.Id.Value)!.RepoDigests);
    }

    private sealed class Progress : IProgress<PullProgress>
    {
        private readonly ConcurrentQueue<PullProgress> _seen = [];
        private readonly SemaphoreSlim _news = new(0);

        public IReadOnlyList<PullProgress> Seen => [.. _seen];

        public void Report(PullProgress value)
        {
            _seen.Enqueue(value);
            _news.Release();
        }

        public async Task WaitForAsync(Func<IReadOnlyList<LayerProgress>, bool> condition)
        {
            while (!Seen.Any(one => condition(one.Layers)))
                await _news.WaitAsync();
        }
    }
}
