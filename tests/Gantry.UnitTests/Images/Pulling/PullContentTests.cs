using System.Text;
using System.Text.Json.Nodes;
using Gantry.Faults;
using Gantry.Images.Manifests;
using Gantry.UnitTests.Images.Unpacking;
using Xunit;

namespace Gantry.UnitTests.Images.Pulling;

/// <summary>S16, S24: images of every form that there is, and what their content may not decide.</summary>
public sealed class PullContentTests
{
    [Theory]
    [InlineData("plain")]
    [InlineData("zstd")]
    [InlineData("zstd:chunked")]
    [InlineData("eStargz")]
    [InlineData("docker")]
    public async Task Formats_OfLayers_AreTheirPlainFormats(string format)
    {
        await using var node = await ImageFixture.StartAsync();
        var archive = new TarBuilder().File("a", "first").File("b", new string('b', 100_000)).Build();
        // zstd:chunked puts its table into a frame that decoders skip; eStargz begins a new gzip member for each file.
        byte[] table = [0x5A, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 1, 2, 3, 4];
        var (blob, type) = format switch
        {
            "plain" => (archive, "application/vnd.oci.image.layer.v1.tar"),
            "zstd" => (Zstd(archive), "application/vnd.oci.image.layer.v1.tar+zstd"),
            "zstd:chunked" => ([.. Zstd(archive[..1024]), .. table, .. Zstd(archive[1024..])], "application/vnd.oci.image.layer.v1.tar+zstd"),
            "eStargz" => ((byte[])[.. LayerFixture.Gzip(archive[..512]), .. LayerFixture.Gzip([]), .. LayerFixture.Gzip(archive[512..])], "application/vnd.oci.image.layer.v1.tar+gzip"),
            _ => (LayerFixture.Gzip(archive), "application/vnd.docker.image.rootfs.diff.tar.gzip"),
        };
        node.Serve("team/app", "1", [new TestLayer(blob, archive, type)]);

        var image = await node.PullAsync();

        Assert.Equal("first", File.ReadAllText($"{node.TreeOf(image, 0)}/a"));
        Assert.Equal(100_000, new FileInfo($"{node.TreeOf(image, 0)}/b").Length);
    }

    [Fact]
    public async Task S24_F23_MillionEmptyMembers_CostLittleAndGiveNoImage()
    {
        await using var node = await ImageFixture.StartAsync();
        var member = LayerFixture.Gzip([]);
        var blob = new byte[member.Length * 1_000_000];
        for (var n = 0; n < 1_000_000; n++)
            member.CopyTo(blob, n * member.Length);
        node.Serve("team/app", "1", [new TestLayer(blob, [1])]);

        await Assert.ThrowsAsync<CorruptContentException>(() => node.PullAsync());

        node.AssertNothingUnfinished();
    }

    [Fact]
    public async Task S24_ZstdWindowAboveTheLimit_IsRefused()
    {
        await using var node = await ImageFixture.StartAsync();
        // A frame header that asks for a window of 2 GiB, with a raw block.
        byte[] blob = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xA8, 0x09, 0x00, 0x00, 0x00];
        node.Serve("team/app", "1", [new TestLayer(blob, [0], "application/vnd.oci.image.layer.v1.tar+zstd")]);

        await Assert.ThrowsAsync<CorruptContentException>(() => node.PullAsync());
    }

    [Fact]
    public async Task S16_NamesInsideTheContent_NameNothing()
    {
        await using var node = await ImageFixture.StartAsync();
        var (manifest, _) = node.Serve("team/app", "1", ImageFixture.ThreeLayers(), config: new JsonObject { ["Labels"] = new JsonObject { ["image"] = "docker.io/library/nginx:latest" } });
        var index = new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = ManifestReader.IndexType,
            ["manifests"] = new JsonArray(new JsonObject
            {
                ["mediaType"] = ManifestReader.ManifestType,
                ["digest"] = manifest.Value,
                ["size"] = node.Registry.SizeOfManifest("team/app", "1"),
                ["annotations"] = new JsonObject { ["org.opencontainers.image.ref.name"] = "docker.io/library/nginx:latest", ["io.containerd.image.name"] = "docker.io/library/nginx:latest" },
            }),
        };
        node.Registry.AddManifest("team/app", "2", Encoding.UTF8.GetBytes(index.ToJsonString()), ManifestReader.IndexType);

        var image = await node.PullAsync("team/app:2");

        Assert.Equal([node.Name("team/app:2")], image.Tags);
        Assert.Null(node.Images.Find("docker.io/library/nginx:latest"));
        Assert.Null(node.Images.Find("nginx"));
    }

    [Fact]
    public async Task Prune_ImageWithoutLayers_IsOneLikeOthers()
    {
        await using var node = await ImageFixture.StartAsync();
        node.Serve("team/empty", "1", []);
        var empty = await node.PullAsync("team/empty:1");

        var pruned = await node.Pruner.PruneAsync(all: true);

        Assert.Equal([empty.Id], pruned.Removed.Select(image => image.Id));
        Assert.Empty(node.Images.List());
    }

    private static byte[] Zstd(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var zstd = new ZstdSharp.CompressionStream(packed, leaveOpen: true))
            zstd.Write(content);
        return packed.ToArray();
    }
}
