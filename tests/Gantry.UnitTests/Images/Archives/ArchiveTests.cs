using System.Formats.Tar;
using System.Text;
using System.Text.Json.Nodes;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Images.Archives;
using Gantry.UnitTests.Images.Pulling;
using Gantry.UnitTests.Images.Unpacking;
using Xunit;

namespace Gantry.UnitTests.Images.Archives;

public sealed class ArchiveTests
{
    private static readonly ImportOptions _options = new("", false);

    [Theory]
    [InlineData(ArchiveFormat.Oci)]
    [InlineData(ArchiveFormat.Docker)]
    public async Task Export_ThenImportElsewhere_IsTheSameImage(ArchiveFormat format)
    {
        await using var node = await ImageFixture.StartAsync();
        await using var other = await ImageFixture.StartAsync();
        node.Serve("team/app", "1", ImageFixture.ThreeLayers());
        var image = await node.PullAsync();

        var imported = Assert.Single(await other.Importer.ImportAsync(new MemoryStream(await ExportAsync(node, format)), new ImportOptions("", Pin: true), CancellationToken.None));

        Assert.Equal(image.Id, imported.Id);
        Assert.Equal(image.Tags, imported.Tags);
        Assert.Equal(image.ChainIds, imported.ChainIds);
        Assert.True(imported.Pinned);
        Assert.Equal(format is ArchiveFormat.Oci ? image.ManifestDigest : imported.ManifestDigest, imported.ManifestDigest);
        Assert.Equal("middle", File.ReadAllText($"{other.TreeOf(imported, 1)}/etc/middle"));
        other.AssertNothingUnfinished();
        await other.RestartAsync();
        Assert.Single(other.Images.List());
    }

    [Fact]
    public async Task Export_Twice_GivesTheSameBytes()
    {
        await using var node = await ImageFixture.StartAsync();
        node.Serve("team/app", "1", ImageFixture.ThreeLayers());
        await node.PullAsync();

        Assert.Equal(await ExportAsync(node, ArchiveFormat.Oci), await ExportAsync(node, ArchiveFormat.Oci));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Import_OldDockerArchive_IsConverted(bool gzip)
    {
        await using var node = await ImageFixture.StartAsync();
        var archive = OldDocker(ImageFixture.ThreeLayers(), "team/old:2");

        var image = Assert.Single(await node.Importer.ImportAsync(new MemoryStream(gzip ? LayerFixture.Gzip(archive) : archive), _options, CancellationToken.None));

        Assert.Equal(["docker.io/team/old:2"], image.Tags);
        Assert.Equal("top", File.ReadAllText($"{node.TreeOf(image, 2)}/etc/top"));
        // What the archive holds besides is no image's.
        Assert.Equal(image.Blobs.Count(), Directory.GetFiles($"{node.Paths.Images}/blobs/sha256").Length);
    }

    [Fact]
    public async Task Import_BlobThatIsNotWhatItsNameSays_LeavesNothing()
    {
        await using var node = await ImageFixture.StartAsync();
        await using var other = await ImageFixture.StartAsync();
        node.Serve("team/app", "1", ImageFixture.ThreeLayers());
        await node.PullAsync();
        var archive = await ExportAsync(node, ArchiveFormat.Oci);
        archive[archive.Length / 2] ^= 1;

        await Assert.ThrowsAsync<CorruptContentException>(() => other.Importer.ImportAsync(new MemoryStream(archive), _options, CancellationToken.None));

        Assert.Empty(other.Images.List());
        Assert.Empty(Directory.GetFiles($"{other.Paths.Images}/blobs/sha256"));
        other.AssertNothingUnfinished();
    }

    [Theory]
    [InlineData("this is no archive")]
    [InlineData("")]
    public async Task Import_SomethingElse_SaysSo(string content)
    {
        await using var node = await ImageFixture.StartAsync();

        await Assert.ThrowsAsync<CorruptContentException>(() => node.Importer.ImportAsync(new MemoryStream(Encoding.UTF8.GetBytes(content)), _options, CancellationToken.None));
    }

    [Fact]
    public async Task Import_ArchiveThatNamesATagAlone_TakesTheNameThatIsGiven()
    {
        await using var node = await ImageFixture.StartAsync();
        await using var other = await ImageFixture.StartAsync();
        node.Serve("team/app", "1", ImageFixture.ThreeLayers());
        await node.PullAsync();
        var archive = await ExportAsync(node, ArchiveFormat.Oci);
        // As skopeo writes a layout's index: the reference is the tag alone.
        var text = Encoding.Latin1.GetString(archive);
        var index = text.IndexOf("{\"schemaVersion\":2", StringComparison.Ordinal);
        var end = text.IndexOf('\0', index);
        var json = JsonNode.Parse(text[index..end])!;
        json["manifests"]![0]!["annotations"] = new JsonObject { ["org.opencontainers.image.ref.name"] = "7" };
        var changed = json.ToJsonString().PadRight(end - index);
        Encoding.Latin1.GetBytes(changed).CopyTo(archive, index);

        var image = Assert.Single(await other.Importer.ImportAsync(new MemoryStream(archive), new ImportOptions("registry.test/named", false), CancellationToken.None));

        Assert.Equal(["registry.test/named:7"], image.Tags);
    }

    [Fact]
    public async Task Care_ImportDirectory_IsImportedPinnedAndNotTwice()
    {
        await using var node = await ImageFixture.StartAsync();
        var folder = Directory.CreateDirectory($"{node.Root}/import").FullName;
        File.WriteAllBytes($"{folder}/old.tar.gz", LayerFixture.Gzip(OldDocker(ImageFixture.ThreeLayers(), "team/old:2")));
        File.WriteAllText($"{folder}/broken.tar", "broken");
        var care = new Gantry.Images.ImageCare(new(folder, TimeSpan.Zero, null), node.Paths, node.Importer, node.Checker, node.Collector, TimeProvider.System, node.Net.Log);

        await care.ImportAsync(CancellationToken.None);
        await care.ImportAsync(CancellationToken.None);

        Assert.True(Assert.Single(node.Images.List()).Pinned);
        Assert.Single(node.Net.Log.Text.Split('\n'), line => line.Contains("Imported docker.io/team/old:2", StringComparison.Ordinal));
        Assert.Contains("broken.tar", node.Net.Log.Text, StringComparison.Ordinal);
        await node.Remover.RemoveAsync("team/old:2");
        await care.ImportAsync(CancellationToken.None);
        Assert.Single(node.Images.List());
    }

    private static async Task<byte[]> ExportAsync(ImageFixture node, ArchiveFormat format)
    {
        var archive = new MemoryStream();
        await node.Exporter.ExportAsync([node.Name()], format, archive, CancellationToken.None);
        return archive.ToArray();
    }

    /// <summary>As docker save wrote until version 25: layers unpacked, one a folder, an equal one as a link.</summary>
    private static byte[] OldDocker(IReadOnlyList<TestLayer> layers, string tag)
    {
        var config = Encoding.UTF8.GetBytes(new JsonObject
        {
            ["architecture"] = "amd64",
            ["os"] = "linux",
            ["config"] = new JsonObject(),
            ["rootfs"] = new JsonObject { ["diff_ids"] = new JsonArray([.. layers.Select(layer => JsonValue.Create(layer.DiffId.Value))]) },
        }.ToJsonString());
        var name = Digest.Compute(config).Hex + ".json";
        var manifest = new JsonArray(new JsonObject
        {
            ["Config"] = name,
            ["RepoTags"] = new JsonArray(tag),
            ["Layers"] = new JsonArray([.. layers.Select((_, n) => JsonValue.Create($"layer{n}/layer.tar"))]),
        });
        var archive = new MemoryStream();
        using (var tar = new System.Formats.Tar.TarWriter(archive, TarEntryFormat.Ustar, leaveOpen: true))
        {
            Add("real/layer.tar", layers[0].Archive);
            tar.WriteEntry(new UstarTarEntry(TarEntryType.SymbolicLink, "layer0/layer.tar") { LinkName = "../real/layer.tar" });
            for (var n = 1; n < layers.Count; n++)
            {
                Add($"layer{n}/VERSION", "1.0"u8.ToArray());
                Add($"layer{n}/layer.tar", layers[n].Archive);
            }
            Add(name, config);
            Add("manifest.json", Encoding.UTF8.GetBytes(manifest.ToJsonString()));
            void Add(string path, byte[] content) => tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, path) { DataStream = new MemoryStream(content) });
        }
        return archive.ToArray();
    }
}
