using System.Text;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Images.Manifests;
using Gantry.UnitTests.Fakes;
using Xunit;

namespace Gantry.UnitTests.Images.Registry;

/// <summary>S01, S07, S08, S10, S11, S12 and F27: documents that are hostile, and how much of them is read.</summary>
public sealed class DocumentTests : IDisposable
{
    private static readonly ImageLimits _limits = new();
    private readonly RegistryFixture _node = new();

    public void Dispose() => _node.Dispose();

    [Theory]
    [InlineData("sha256:../../../etc/passwd")]
    [InlineData("sha256:ABCDEF")]
    [InlineData("md5:d41d8cd98f00b204e9800998ecf8427e")]
    [InlineData("sha256:%2e%2e")]
    [InlineData("")]
    public void S07_DigestThatIsNone_IsRefusedBeforeAPathIsMade(string digest)
    {
        foreach (var text in new[] { digest, "sha256:" + new string('a', 63), "sha256:" + new string('a', 65), "sha512:" + new string('a', 64) })
            Assert.Throws<CorruptContentException>(() => ManifestReader.ReadManifest(Manifest($$"""{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{{text}}","size":1}"""), 10, "it"));
    }

    [Theory]
    [InlineData("""{"schemaVersion":2,"manifests":[],"layers":[]}""")]
    [InlineData("""{"schemaVersion":2,"manifests":[],"config":{}}""")]
    [InlineData("""{"schemaVersion":2,"layers":[],"layers":[]}""")]
    [InlineData("""{"schemaVersion":2,"layers":[],"Layers":[]}""")]
    [InlineData("""{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","layers":[]}""")]
    [InlineData("""{"schemaVersion":1,"fsLayers":[]}""")]
    [InlineData("""{"schemaVersion":2}""")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("")]
    [InlineData("{")]
    public void S08_S11_F27_DocumentOfTwoMeaningsOrNone_IsRefused(string document) =>
        Assert.Throws<CorruptContentException>(() => ManifestReader.MediaTypeOf(Encoding.UTF8.GetBytes(document), "", "it"));

    [Fact]
    public void S08_HeaderAndDocumentThatDisagree_AreRefused() =>
        Assert.Throws<CorruptContentException>(() => ManifestReader.MediaTypeOf(RegistryFixture.Manifest(), ManifestReader.IndexType, "it"));

    [Theory]
    [InlineData("null")]
    [InlineData("5")]
    [InlineData("\"text\"")]
    [InlineData("{}")]
    [InlineData("""{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","size":-1}""")]
    [InlineData("""{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","size":1e400}""")]
    [InlineData("""{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","size":1,"urls":["https://evil.test/x"]}""")]
    [InlineData("""{"mediaType":"application/vnd.oci.image.layer.nondistributable.v1.tar","digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","size":1}""")]
    [InlineData("""{"mediaType":"application/x-helm-chart","digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","size":1}""")]
    public void S01_S11_LayerThatIsNone_IsRefused(string layer) =>
        Assert.Throws<CorruptContentException>(() => ManifestReader.ReadManifest(Manifest(layer), 10, "it"));

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"rootfs":null}""")]
    [InlineData("""{"rootfs":{"diff_ids":null}}""")]
    [InlineData("""{"rootfs":{"diff_ids":[null]}}""")]
    [InlineData("""{"rootfs":{"diff_ids":[5]}}""")]
    [InlineData("[]")]
    public void S11_ConfigThatIsNone_IsRefused(string config) =>
        Assert.Throws<CorruptContentException>(() => ManifestReader.ReadConfig(Encoding.UTF8.GetBytes(config), 1, "it"));

    [Fact]
    public void S11_ConfigWithNullsEverywhere_IsRead()
    {
        var config = ManifestReader.ReadConfig(Encoding.UTF8.GetBytes($$"""
            {"history":null,"config":{"Env":null,"Cmd":null,"Entrypoint":[null,5],"User":null,"Labels":{"a":null,"b":"c"},"Volumes":null},
             "rootfs":{"diff_ids":["sha256:{{new string('a', 64)}}"] } }
            """), 1, "it");

        Assert.Empty(config.Env);
        Assert.Empty(config.Entrypoint);
        Assert.Equal("c", Assert.Single(config.Labels).Value);
    }

    [Fact]
    public void S11_NestingAHundredThousandDeep_IsRefused() =>
        Assert.Throws<CorruptContentException>(() => ManifestReader.MediaTypeOf(Encoding.UTF8.GetBytes(new string('[', 100_000)), "", "it"));

    [Fact]
    public void F27_ArtifactsAreNoImages()
    {
        var chart = RegistryFixture.Manifest();
        var text = Encoding.UTF8.GetString(chart).Replace("oci.image.config.v1", "cncf.helm.config.v1", StringComparison.Ordinal);

        var failure = Assert.Throws<CorruptContentException>(() => ManifestReader.ReadManifest(Encoding.UTF8.GetBytes(text), 10, "it"));

        Assert.Contains("artifact", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task F27_IndexOfIndexes_IsFollowedThreeTimesAndNoMore()
    {
        var top = Index(Index(Index(Index(RegistryFixture.Manifest()))));
        var documents = new Dictionary<Digest, byte[]>();
        for (var (document, n) = (RegistryFixture.Manifest(), 0); n < 5; document = Index(document), n++)
            documents[Digest.Compute(document)] = document;

        await Assert.ThrowsAsync<CorruptContentException>(() => ResolvedImage.FollowAsync(
            top, Digest.Compute(top), "", document => Task.FromResult(documents[document.Digest]), _ => Task.FromResult(Array.Empty<byte>()), _limits, "it"));
    }

    [Theory]
    [InlineData("amd64", 1, "linux/amd64/v3 linux/amd64/v2 linux/amd64", 2)]
    [InlineData("amd64", 2, "linux/amd64/v3 linux/amd64/v2 linux/amd64", 1)]
    [InlineData("amd64", 4, "linux/amd64 linux/amd64/v3 linux/arm64", 1)]
    [InlineData("amd64", 3, "unknown/unknown windows/amd64 linux/amd64", 2)]
    [InlineData("arm", 7, "linux/arm/v5 linux/arm/v6 linux/arm/v7 linux/arm/v8", 2)]
    [InlineData("arm", 6, "linux/arm/v7 linux/arm/v6", 1)]
    [InlineData("arm64", 0, "linux/arm/v8 linux/arm64/v8", 1)]
    [InlineData("arm64", 0, "linux/arm64 linux/arm64/v9", 0)]
    [InlineData("riscv64", 0, "linux/amd64", -1)]
    [InlineData("amd64", 4, "unknown/unknown", -1)]
    public void Choose_Platforms_TakesTheBestThatRuns(string architecture, int level, string offered, int expected)
    {
        var entries = offered.Split(' ').Select((platform, n) => (Parts: platform.Split('/'), n)).Select(entry => new IndexEntry(
            new Descriptor(ManifestReader.ManifestType, Digest.Compute([(byte)entry.n]), 1), entry.Parts[0], entry.Parts[1], entry.Parts.ElementAtOrDefault(2) ?? "")).ToList();
        var host = new HostPlatform(architecture, level);

        if (expected < 0)
            Assert.Contains(offered.Split(' ')[0].Contains("unknown", StringComparison.Ordinal) ? "none" : "amd64", Assert.Throws<NotFoundException>(() => host.Choose(entries, "it")).Message, StringComparison.Ordinal);
        else
            Assert.Equal(Digest.Compute([(byte)expected]), host.Choose(entries, "it").Digest);
    }

    [Theory]
    [InlineData("manifests")]
    [InlineData("blobs")]
    public async Task S10_DocumentWithoutAnEnd_IsReadToItsLimit(string what)
    {
        await using var registry = await FakeRegistry.StartAsync();
        _node.Own(registry);
        var sent = 0L;
        registry.Answer = async context =>
        {
            sent = await FakeRegistry.SendWithoutEndAsync(context);
            return true;
        };
        var client = _node.Client();
        var session = client.Open(Gantry.Images.ImageReference.Parse($"{registry.Host}/team/app:1"), null);

        await Assert.ThrowsAsync<CorruptContentException>(() => what == "manifests"
            ? client.GetManifestAsync(session, "1", CancellationToken.None)
            : client.GetBlobAsync(session, Digest.Compute([1]), 1, CancellationToken.None));

        Assert.InRange(sent, 0, 64 << 20);
    }

    [Fact]
    public async Task S12_EveryRequest_IsHttp11AndSaysWhoAsks()
    {
        await using var registry = await FakeRegistry.StartAsync();
        _node.Own(registry);
        registry.AddManifest("team/app", "1", RegistryFixture.Manifest());
        var protocol = "";
        registry.Answer = context =>
        {
            protocol = context.Request.Protocol;
            return Task.FromResult(false);
        };

        await _node.ResolveAsync(registry);

        Assert.Equal("HTTP/1.1", protocol);
        Assert.Equal("gantry", registry.Seen[0].Headers["user-agent"]);
        Assert.DoesNotContain(registry.Seen[0].Headers, header => header.Key.Equals("cookie", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Tls_ClientCertificate_IsShownToItsHost()
    {
        var server = _node.Authority.Issue("CN=server", ["registry.test"]);
        await using var registry = await FakeRegistry.StartAsync(server, "registry.test", clientCertificate: true);
        registry.AddManifest("team/app", "1", RegistryFixture.Manifest());
        using var client = _node.Authority.Issue("CN=node", []);
        var shown = "";
        registry.Answer = async context =>
        {
            shown = (await context.Connection.GetClientCertificateAsync())?.Subject ?? "";
            return false;
        };
        _node.Own(registry, "client = [[\"node.cert\", \"node.key\"]]\n");
        using var key = System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions.GetECDsaPrivateKey(client)!;
        File.WriteAllText($"{_node.Folder}/certs.d/{registry.Host}/node.cert", client.ExportCertificatePem());
        File.WriteAllText($"{_node.Folder}/certs.d/{registry.Host}/node.key", key.ExportPkcs8PrivateKeyPem());

        await _node.ResolveAsync(registry);

        Assert.Equal("CN=node", shown);
    }

    private static byte[] Manifest(string layer) => Encoding.UTF8.GetBytes(
        "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"sha256:" + new string('a', 64) + "\",\"size\":2},\"layers\":[" + layer + "]}");

    private static byte[] Index(byte[] document)
    {
        var descriptor = RegistryFixture.Descriptor(ManifestReader.MediaTypeOf(document, "", "it"), document);
        return Encoding.UTF8.GetBytes("{\"schemaVersion\":2,\"mediaType\":\"" + ManifestReader.IndexType + "\",\"manifests\":[" + descriptor.ToJsonString() + "]}");
    }
}
