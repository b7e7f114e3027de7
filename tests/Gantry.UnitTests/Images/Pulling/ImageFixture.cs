using System.Text;
using System.Text.Json.Nodes;
using Gantry.Identity;
using Gantry.Images;
using Gantry.Images.Archives;
using Gantry.Images.Checking;
using Gantry.Images.Manifests;
using Gantry.Images.Pulling;
using Gantry.Images.Store;
using Gantry.Images.Trust;
using Gantry.Images.Unpacking;
using Gantry.Linux.Files;
using Gantry.Persistence;
using Gantry.Snapshots;
using Gantry.UnitTests.Fakes;
using Gantry.UnitTests.Images.Registry;
using Gantry.UnitTests.Images.Unpacking;
using Xunit;

namespace Gantry.UnitTests.Images.Pulling;

/// <summary>A layer as a test's registry has it.</summary>
internal sealed record TestLayer(byte[] Blob, byte[] Archive, string Type = "application/vnd.oci.image.layer.v1.tar+gzip")
{
    public static TestLayer Of(TarBuilder tar) => tar.Build() is var archive ? new TestLayer(LayerFixture.Gzip(archive), archive) : throw new InvalidOperationException();

    public Digest DiffId => Digest.Compute(Archive);
}

/// <summary>The image side of a node in a folder of this test, and a registry that it pulls from. Needs root.</summary>
internal sealed class ImageFixture : IAsyncDisposable
{
    private ImageFixture(FakeRegistry registry, LayerLimits limits, PullLimits pullLimits, ImageLimits imageLimits)
    {
        Registry = registry;
        Root = Directory.CreateTempSubdirectory("gantry-images-").FullName;
        Paths = new NodePaths($"{Root}/lib", $"{Root}/run");
        Directory.CreateDirectory(Paths.Images);
        Net.Own(registry);
        Limits = (limits, pullLimits, imageLimits);
        Build();
    }

    public FakeRegistry Registry { get; }

    public string Root { get; }

    public NodePaths Paths { get; }

    public RegistryFixture Net { get; } = new();

    public HashSet<Digest> LayersInUse { get; } = [];

    public SnapshotStore Snapshots { get; private set; } = null!;

    public ImageStore Images { get; private set; } = null!;

    public ImageCollector Collector { get; private set; } = null!;

    public ImageRemover Remover { get; private set; } = null!;

    public ImagePuller Puller { get; private set; } = null!;

    public ImageChecker Checker { get; private set; } = null!;

    public ImageImporter Importer { get; private set; } = null!;

    public ImageExporter Exporter { get; private set; } = null!;

    public ImagePruner Pruner { get; private set; } = null!;

    public string PolicyFile => $"{Root}/policy.json";

    private (LayerLimits Layers, PullLimits Pulls, ImageLimits Images) Limits { get; }

    public static async Task<ImageFixture> StartAsync(LayerLimits? limits = null, PullLimits? pulls = null, ImageLimits? images = null)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "unpacking sets owners and makes devices: run as root");
        var node = new ImageFixture(await FakeRegistry.StartAsync(), limits ?? new LayerLimits(), pulls ?? new PullLimits(6, 6), images ?? new ImageLimits());
        await node.Images.OpenAsync();
        return node;
    }

    /// <summary>As a daemon that starts again over the same folder.</summary>
    public async Task RestartAsync()
    {
        Build();
        await Images.OpenAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Registry.DisposeAsync();
        Net.Dispose();
        DirectoryRemover.Remove(Root);
    }

    public Task<ImageRecord> PullAsync(string name = "team/app:1", IProgress<PullProgress>? progress = null, CancellationToken cancel = default) =>
        Puller.PullAsync(ImageReference.Parse($"{Registry.Host}/{name}"), null, progress, cancel);

    public string Name(string name = "team/app:1") => $"{Registry.Host}/{name}";

    /// <summary>Serves an image; what differs from an honest one is said by the parameters.</summary>
    public (Digest Manifest, Digest Config) Serve(string repository, string tag, IReadOnlyList<TestLayer> layers, IReadOnlyList<Digest>? diffIds = null, JsonObject? config = null)
    {
        var configBytes = Encoding.UTF8.GetBytes(new JsonObject
        {
            ["architecture"] = HostPlatform.Own.Architecture,
            ["os"] = "linux",
            ["config"] = config ?? new JsonObject { ["Cmd"] = new JsonArray("sh") },
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray([.. (diffIds ?? [.. layers.Select(layer => layer.DiffId)]).Select(id => JsonValue.Create(id.Value))]) },
        }.ToJsonString());
        foreach (var layer in layers)
            Registry.AddBlob(layer.Blob);
        var configDigest = Registry.AddBlob(configBytes);
        var manifest = RegistryFixture.Manifest(Encoding.UTF8.GetString(configBytes), [.. layers.Select(layer => (layer.Blob, layer.Type))]);
        return (Registry.AddManifest(repository, tag, manifest), configDigest);
    }

    /// <summary>Three layers: a base, one on top with a change, and a third of its own.</summary>
    public static IReadOnlyList<TestLayer> ThreeLayers(string mark = "") =>
    [
        TestLayer.Of(new TarBuilder().Directory("etc").File("etc/base", "base").Directory("usr").File("usr/tool", new string('t', 200_000), 0x1ED)),
        TestLayer.Of(new TarBuilder().File("etc/middle", "middle").HardLink("usr/alias", "usr/tool")),
        TestLayer.Of(new TarBuilder().File("etc/top", "top" + mark).File("etc/.wh.base")),
    ];

    public string TreeOf(ImageRecord image, int layer) => Snapshots.TreePath(image.ChainIds[layer]);

    /// <summary>Everything that pulls leave only for a time.</summary>
    public void AssertNothingUnfinished()
    {
        Assert.Empty(Directory.GetFileSystemEntries(Images.Blobs.IngestFolder));
        if (Directory.Exists($"{Paths.Snapshots}/ingest"))
            Assert.Empty(Directory.GetFileSystemEntries($"{Paths.Snapshots}/ingest"));
        foreach (var trash in new[] { Paths.Trash, Paths.BlobTrash, Paths.LayerTrash }.Where(Directory.Exists))
            Assert.Empty(Directory.GetFileSystemEntries(trash));
    }

    private void Build()
    {
        var log = Net.Log;
        Snapshots = new SnapshotStore(Paths, log);
        Images = new ImageStore(Paths, Snapshots, Limits.Images, log);
        Collector = new ImageCollector(Images, Snapshots, () => LayersInUse, TimeProvider.System, log);
        Remover = new ImageRemover(Images, Collector, log);
        var registry = Net.Client();
        var pipeline = new LayerPipeline(Limits.Layers, log);
        var layers = new LayerFetcher(Images, Snapshots, pipeline, Limits.Pulls, log);
        var stores = new ImageStores(Paths, Images, Snapshots, Collector, Limits.Images);
        Puller = new ImagePuller(registry, stores, layers, new SignatureVerifier(new TrustPolicy(PolicyFile, mayBeMissing: true), registry, TimeProvider.System), TimeProvider.System, log);
        Checker = new ImageChecker(stores, registry, Puller, pipeline, () => LayersInUse, log);
        Importer = new ImageImporter(stores, layers, Puller, TimeProvider.System, log);
        Exporter = new ImageExporter(Images);
        Pruner = new ImagePruner(Images, Collector, () => LayersInUse);
    }
}
