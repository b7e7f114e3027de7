using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Gantry.TestImages;
using Grpc.Core;
using Xunit;

namespace Gantry.NodeTests.Faults;

/// <summary>
/// What a registry must not serve. Each is refused with a status and a message that names the image or its part, leaves
/// nothing on the node, and keeps nobody from pulling something good right after.
/// </summary>
public sealed class BadImageTests(NodeNetwork network, BadImageTests.ImageNode shared) : IClassFixture<BadImageTests.ImageNode>
{
    private const string Host = "bad.test";

    private static readonly BuiltLayer _good = new LayerBuilder().File("file", "content").Build();

    public static TheoryData<string> Situations => [.. Cases.Keys];

    /// <summary>By situation: how the registry is spoilt, which statuses are right, and a word of the message.</summary>
    private static Dictionary<string, Case> Cases { get; } = new()
    {
        ["layer that is cut off"] = new(registry => Spoil(registry, (blob, _) => blob with { Body = blob.Body[..^40] }), [StatusCode.FailedPrecondition, StatusCode.Unknown], "sha256:"),
        ["layer that is longer than it should be"] = new(registry => Spoil(registry, (blob, _) => blob with { Body = [.. blob.Body, .. new byte[100]] }), StatusCode.FailedPrecondition, "layer"),
        ["layer of other bytes"] = new(registry => Spoil(registry, (blob, _) => blob with { Body = [.. blob.Body.Select(b => (byte)(b ^ 1))] }), StatusCode.FailedPrecondition, "layer"),
        ["layer whose connection breaks"] = new(registry => Spoil(registry, (blob, _) => blob with { Body = blob.Body[..20], ContentLength = blob.Body.Length }), [StatusCode.Unknown, StatusCode.FailedPrecondition], ""),
        ["registry that falls silent"] = new(registry => Spoil(registry, (blob, _) => blob with { HangAfter = 10 }), StatusCode.Unknown, "RegistryUnavailable"),
        ["gzip cut off under a right digest"] = new(registry => registry.AddImage("image", Truncated()), StatusCode.FailedPrecondition, "layer"),
        ["gzip that is none"] = new(registry => registry.AddImage("image", _good with { Content = Encoding.ASCII.GetBytes(new string('x', 2000)) }), StatusCode.FailedPrecondition, "layer"),
        ["zstd that is none"] = new(registry => registry.AddImage("image", _good with { MediaType = "application/vnd.oci.image.layer.v1.tar+zstd" }), StatusCode.FailedPrecondition, "layer"),
        ["zstd with a flipped byte"] = new(registry => registry.AddImage("image", _good with { MediaType = "application/vnd.oci.image.layer.v1.tar+zstd", Content = [0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x00, 0xff, 0xff, 0xff, 1, 2, 3] }), StatusCode.FailedPrecondition, "layer"),
        ["diff id of another layer"] = new(registry => registry.AddImage("image", _good with { DiffId = LayerBuilder.DigestOf("other"u8.ToArray()) }), StatusCode.FailedPrecondition, "config says"),
        ["size that is too small"] = new(registry => registry.AddImage("image", _good, manifest => manifest["layers"]![0]!["size"] = _good.Content.Length - 1), StatusCode.FailedPrecondition, "layer"),
        ["size that is too large"] = new(registry => registry.AddImage("image", _good, manifest => manifest["layers"]![0]!["size"] = _good.Content.Length + 1), [StatusCode.FailedPrecondition, StatusCode.Unknown], "sha256:"),
        ["negative size"] = new(registry => registry.AddImage("image", _good, manifest => manifest["layers"]![0]!["size"] = -1), StatusCode.FailedPrecondition, "size"),
        ["digest that leads elsewhere"] = new(registry => registry.AddImage("image", _good, manifest => manifest["layers"]![0]!["digest"] = "sha256:../../../../etc/passwd"), StatusCode.FailedPrecondition, "digest"),
        ["digest of MD5"] = new(registry => registry.AddImage("image", _good, manifest => manifest["layers"]![0]!["digest"] = "md5:d41d8cd98f00b204e9800998ecf8427e"), StatusCode.FailedPrecondition, "digest"),
        ["layer that is not there"] = new(registry => registry.AddImage("image", _good, manifest => manifest["layers"]![0]!["digest"] = "sha256:" + new string('a', 64)), StatusCode.NotFound, "aaaa"),
        ["manifest over 4 MiB"] = new(registry => registry.AddManifest("image", "latest", new byte[(4 << 20) + 1], "application/vnd.oci.image.manifest.v1+json"), StatusCode.FailedPrecondition, "4 MiB"),
        ["manifest that is no JSON"] = new(registry => registry.AddManifest("image", "latest", "<html>"u8.ToArray(), "text/html"), StatusCode.FailedPrecondition, "JSON"),
        ["manifest without layers"] = new(registry => registry.AddImage("image", _good, manifest => manifest.Remove("layers")), StatusCode.FailedPrecondition, "layers"),
        ["manifest with null for a layer"] = new(registry => registry.AddImage("image", _good, manifest => manifest["layers"] = new JsonArray((JsonNode?)null)), StatusCode.FailedPrecondition, "descriptor"),
        ["manifest that is an index too"] = new(registry => registry.AddImage("image", _good, manifest => manifest["manifests"] = new JsonArray()), StatusCode.FailedPrecondition, "manifest"),
        ["manifest with a key given twice"] = new(registry => registry.AddManifest("image", "latest", """{"schemaVersion":2,"layers":[],"layers":[]}"""u8.ToArray(), "application/vnd.oci.image.manifest.v1+json"), StatusCode.FailedPrecondition, "JSON"),
        ["manifest of schema 1"] = new(registry => registry.AddManifest("image", "latest", """{"schemaVersion":1,"name":"image","tag":"latest","fsLayers":[]}"""u8.ToArray(), "application/vnd.docker.distribution.manifest.v1+prettyjws"), StatusCode.FailedPrecondition, ""),
        ["manifest nested beyond reason"] = new(registry => registry.AddManifest("image", "latest", Encoding.ASCII.GetBytes("{\"layers\":" + new string('[', 100_000)), "application/vnd.oci.image.manifest.v1+json"), StatusCode.FailedPrecondition, "JSON"),
        ["index without this platform"] = new(registry => registry.AddManifest("image", "latest", Index("s390x"), "application/vnd.oci.image.index.v1+json"), [StatusCode.NotFound, StatusCode.FailedPrecondition], "s390x"),
        ["index that points to nothing"] = new(registry => registry.AddManifest("image", "latest", Index(), "application/vnd.oci.image.index.v1+json"), StatusCode.NotFound, "bbbb"),
        ["config that is no JSON"] = new(registry => registry.AddImage("image", _good, manifest => manifest["config"] = ScriptedRegistry.Descriptor("application/vnd.oci.image.config.v1+json", registry.AddBlob("image", "nonsense"u8.ToArray()), 8)), StatusCode.FailedPrecondition, "config"),
        ["config without layers' ids"] = new(registry => registry.AddImage("image", _good, changeConfig: config => config.Remove("rootfs")), StatusCode.FailedPrecondition, "rootfs"),
        ["config with one id too many"] = new(registry => registry.AddImage("image", _good, changeConfig: config => ((JsonArray)config["rootfs"]!["diff_ids"]!).Add(_good.DiffId)), StatusCode.FailedPrecondition, "diff ids"),
        ["layer fetched from elsewhere"] = new(registry => registry.AddImage("image", _good with { MediaType = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip" }), StatusCode.FailedPrecondition, "foreign"),
        ["artifact that is no image"] = new(registry => registry.AddImage("image", _good with { MediaType = "application/vnd.cncf.helm.chart.content.v1.tar+gzip" }), StatusCode.FailedPrecondition, "helm"),
        ["tag that is not there"] = new(_ => { }, StatusCode.NotFound, "image"),
        ["refusal"] = new(registry => registry["/v2/image/manifests/latest"] = new ScriptedAnswer(403, """{"errors":[{"code":"DENIED","message":"not for you"}]}"""u8.ToArray(), "application/json"), [StatusCode.PermissionDenied, StatusCode.Unauthenticated], "not for you"),
        ["request for credentials"] = new(registry => registry["/v2/image/manifests/latest"] = new ScriptedAnswer(401, "{}"u8.ToArray()) { Headers = new Dictionary<string, string> { ["WWW-Authenticate"] = "Basic realm=\"x\"" } }, [StatusCode.PermissionDenied, StatusCode.Unauthenticated], "credentials"),
        ["failure of the server"] = new(registry => registry["/v2/image/manifests/latest"] = new ScriptedAnswer(500, "oops"u8.ToArray()), StatusCode.Unknown, "RegistryUnavailable"),
        ["redirect in circles"] = new(registry => registry["/v2/image/manifests/latest"] = new ScriptedAnswer(307, []) { Headers = new Dictionary<string, string> { ["Location"] = "/v2/image/manifests/latest" } }, [StatusCode.PermissionDenied, StatusCode.Unknown, StatusCode.FailedPrecondition], ""),
        ["redirect to a file"] = new(registry => registry["/v2/image/manifests/latest"] = new ScriptedAnswer(307, []) { Headers = new Dictionary<string, string> { ["Location"] = "file:///etc/passwd" } }, [StatusCode.PermissionDenied, StatusCode.Unknown, StatusCode.FailedPrecondition], ""),
    };

    [Theory]
    [MemberData(nameof(Situations))]
    public async Task Pull_BadImage_IsRefusedAndLeavesNothing(string situation)
    {
        var node = shared.Node;
        var (spoil, statuses, word) = Cases[situation];
        await using var registry = new ScriptedRegistry(network.NetnsPath);
        registry.ServeAs(node, Host);
        spoil(registry);
        var before = Stored(node);

        var failure = await Assert.ThrowsAsync<RpcException>(() => PullAsync(node, $"{Host}/image:latest"));

        Assert.Contains(failure.StatusCode, statuses);
        Assert.Contains(word, failure.Status.Detail, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(before, Stored(node));
        Assert.DoesNotContain((await node.Images.ListImagesAsync(new ListImagesRequest())).Images, image => image.RepoTags.Any(tag => tag.StartsWith(Host, StringComparison.Ordinal)));
        registry.AddImage("good", _good);
        await PullAsync(node, $"{Host}/good:latest");
        await node.Images.RemoveImageAsync(new RemoveImageRequest { Image = new ImageSpec { Image = $"{Host}/good:latest" } });
    }

    [Fact]
    public async Task Pull_NoRegistryThere_IsUnavailable()
    {
        var node = shared.Node;
        Directory.CreateDirectory($"{node.Directory}/certs.d/down.test");
        await File.WriteAllTextAsync($"{node.Directory}/certs.d/down.test/hosts.toml", "server = \"http://127.0.0.1:1\"\n");

        var failure = await Assert.ThrowsAsync<RpcException>(() => PullAsync(node, "down.test/image:latest"));

        Assert.Equal(StatusCode.Unknown, failure.StatusCode);
        Assert.StartsWith("RegistryUnavailable: ", failure.Status.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("layer")]
    [InlineData("silence")]
    public async Task Pull_CallerLeaves_PullEndsAndLeavesNothing(string where)
    {
        var node = shared.Node;
        await using var registry = new ScriptedRegistry(network.NetnsPath);
        registry.ServeAs(node, Host);
        if (where == "layer")
            Spoil(registry, (blob, _) => blob with { HangAfter = 10 });
        else
            registry["/v2/image/manifests/latest"] = new ScriptedAnswer(200, new byte[100]) { HangAfter = 0 };
        var before = Stored(node);
        using var caller = new CancellationTokenSource();

        var pull = node.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = $"{Host}/image:latest" } }, cancellationToken: caller.Token).ResponseAsync;
        await NodeNetwork.WaitForAsync(() => Task.FromResult(registry.Requests.Any(path => where != "layer" || path.Contains("/blobs/", StringComparison.Ordinal))), TimeSpan.FromSeconds(20), "the pull");
        await caller.CancelAsync();

        await Assert.ThrowsAsync<RpcException>(() => pull);
        await NodeNetwork.WaitForAsync(() => Task.FromResult(Stored(node) == before), TimeSpan.FromSeconds(10), "the end of the pull");
    }

    private static async Task PullAsync(GantryNode node, string image) => await node.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = image } });

    /// <summary>What the store holds, by name: blobs, layers, downloads.</summary>
    private static string Stored(GantryNode node) => string.Join('\n',
        new[] { "images/blobs/sha256", "images/ingest", "snapshots/sha256", "snapshots/ingest" }
            .Select(folder => $"{node.Root}/{folder}")
            .Where(Directory.Exists)
            .SelectMany(Directory.GetFileSystemEntries)
            .Order(StringComparer.Ordinal));

    private static void Spoil(ScriptedRegistry registry, Func<ScriptedAnswer, string, ScriptedAnswer> change)
    {
        // Large enough that it does not come with the first packet.
        var layer = new LayerBuilder().File("random", System.Security.Cryptography.RandomNumberGenerator.GetBytes(200_000)).Build();
        registry.AddImage("image", layer);
        var path = $"/v2/image/blobs/{LayerBuilder.DigestOf(layer.Content)}";
        registry[path] = change(new ScriptedAnswer(200, layer.Content), path);
    }

    private static BuiltLayer Truncated()
    {
        var tar = new LayerBuilder().File("random", System.Security.Cryptography.RandomNumberGenerator.GetBytes(100_000)).BuildTar();
        using var zipped = new MemoryStream();
        using (var gzip = new GZipStream(zipped, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(tar);
        return new BuiltLayer(zipped.ToArray()[..60_000], "application/vnd.oci.image.layer.v1.tar+gzip", LayerBuilder.DigestOf(tar));
    }

    private static byte[] Index(string? architecture = null)
    {
        var own = System.Runtime.InteropServices.RuntimeInformation.OSArchitecture is System.Runtime.InteropServices.Architecture.Arm64 ? "arm64" : "amd64";
        var entry = ScriptedRegistry.Descriptor("application/vnd.oci.image.manifest.v1+json", "sha256:" + new string('b', 64), 10);
        entry["platform"] = new JsonObject { ["os"] = "linux", ["architecture"] = architecture ?? own };
        return Encoding.UTF8.GetBytes(new JsonObject { ["schemaVersion"] = 2, ["mediaType"] = "application/vnd.oci.image.index.v1+json", ["manifests"] = new JsonArray(entry) }.ToJsonString());
    }

    private sealed record Case(Action<ScriptedRegistry> Spoil, StatusCode[] Statuses, string Word)
    {
        public Case(Action<ScriptedRegistry> spoil, StatusCode status, string word)
            : this(spoil, [status], word)
        {
        }
    }

    /// <summary>One that soon gives up registries that break.</summary>
    public sealed class ImageNode(NodeNetwork network) : SharedNode(network)
    {
        protected override string Configuration => "[registry]\nno_progress_seconds = 1\nretry_seconds = 0";
    }
}
