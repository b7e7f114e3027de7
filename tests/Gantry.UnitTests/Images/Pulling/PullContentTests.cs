using System.Text;
using System.Text.Json.Nodes;
using Gantry.Faults;
using Gantry.Images.Manifests;
using Gantry.UnitTests.Images.Unpacking;
using Xunit;

namespace Gantry.UnitTests.Images.Pulling;

/// <summary>S16, S18, S24: images of every form that there is, and what their content may not decide.</summary>
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
    public async Task S18_ProgramsAndLibrariesOfAnImage_AreNotTouchedByFurtherPulls()
    {
        await using var node = await ImageFixture.StartAsync();
        string[] bait = ["usr/bin/xz", "usr/bin/gzip", "usr/bin/unpigz", "usr/bin/zstd", "usr/bin/tar", "lib/libnss_files.so.2", "etc/nsswitch.conf"];
        var tools = TestLayer.Of(bait.Aggregate(new TarBuilder(), (tar, name) => tar.File(name, "bait", 0x1ED)));
        node.Serve("team/app", "1", [tools]);
        var tree = node.TreeOf(await node.PullAsync(), 0);
        var old = new DateTime(2001, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        // An access time so old is renewed by any reading or running, also where the file system is mounted relatime.
        foreach (var name in bait)
            File.SetLastAccessTimeUtc($"{tree}/{name}", old);
        var archive = new TarBuilder().File("etc/passwd", "root:x:0:0::/:/bin/sh").Build();
        node.Serve("team/app", "2", [tools, new TestLayer(Zstd(archive), archive, "application/vnd.oci.image.layer.v1.tar+zstd"), .. ImageFixture.ThreeLayers()]);

        await node.PullAsync("team/app:2");

        Assert.All(bait, name => Assert.Equal(old, File.GetLastAccessTimeUtc($"{tree}/{name}")));
        File.ReadAllText($"{tree}/{bait[0]}");
        Assert.NotEqual(old, File.GetLastAccessTimeUtc($"{tree}/{bait[0]}"));
    }

    private static byte[] Zstd(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var zstd = new ZstdSharp.CompressionStream(packed, leaveOpen: true))
            zstd.Write(content);
        return packed.ToArray();
    }
}
