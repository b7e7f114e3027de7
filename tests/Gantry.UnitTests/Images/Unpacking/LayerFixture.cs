using System.IO.Compression;
using System.Text;
using Gantry.Identity;
using Gantry.Images.Unpacking;
using Gantry.Linux.Files;
using Gantry.Persistence;
using Gantry.Snapshots;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Gantry.UnitTests.Images.Unpacking;

/// <summary>A snapshot store in a temporary folder, and a canary tree beside it that nothing may change. Needs root.</summary>
public sealed class LayerFixture : IDisposable
{
    private readonly string _before;

    public LayerFixture()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "unpacking sets owners and makes devices: run as root");
        Root = Directory.CreateTempSubdirectory("gantry-layers-").FullName;
        Paths = new NodePaths($"{Root}/lib", $"{Root}/run");
        Store = new SnapshotStore(Paths, NullLogger.Instance);
        Directory.CreateDirectory($"{Root}/canary/sub");
        File.WriteAllText($"{Root}/canary/file", "canary");
        File.WriteAllText($"{Root}/canary/sub/other", "canary");
        _before = Describe($"{Root}/canary");
    }

    internal string Root { get; }

    internal NodePaths Paths { get; }

    internal SnapshotStore Store { get; }

    internal LayerLimits Limits { get; set; } = new();

    public void Dispose() => DirectoryRemover.Remove(Root);

    internal static string Describe(string tree) => string.Join('\n', Directory
        .EnumerateFileSystemEntries(tree, "*", SearchOption.AllDirectories).Append(tree).Order(StringComparer.Ordinal)
        .Select(path => (path, Status: FileStatus.TryGet(path, followLinks: false)!))
        .Select(e => $"{e.path} {e.Status} {e.Status.ModifiedSeconds}.{e.Status.ModifiedNanoseconds}"));

    /// <summary>Bytes, modes, owners and times outside of the layer are as before.</summary>
    internal void AssertCanaryUnharmed()
    {
        Assert.Equal(_before, Describe($"{Root}/canary"));
        Assert.Equal("canary", File.ReadAllText($"{Root}/canary/file"));
    }

    /// <summary>Runs the whole pipeline on an uncompressed archive.</summary>
    internal async Task<LayerIngest> UnpackAsync(byte[] archive)
    {
        var ingest = Store.Begin();
        try
        {
            await RunAsync(archive, LayerCompression.None, Digest.Compute(archive), ingest);
            return ingest;
        }
        catch
        {
            ingest.Dispose();
            throw;
        }
    }

    internal Task<LayerResult> RunAsync(
        byte[] blob, LayerCompression compression, Digest diffId, LayerIngest ingest, Digest? digest = null, long? size = null,
        CancellationToken cancel = default) =>
        new LayerPipeline(Limits, NullLogger.Instance).RunAsync(
            new MemoryStream(blob), new LayerDescriptor(digest ?? Digest.Compute(blob), size ?? blob.Length, compression), diffId,
            $"{Root}/blob", ingest, null, cancel);

    /// <summary>Unpacks layers on top of each other and commits them; answers the chain ids.</summary>
    internal async Task<IReadOnlyList<Digest>> CommitAsync(params byte[][] archives)
    {
        var chain = ChainId.Of([.. archives.Select(a => Digest.Compute(a))]);
        for (var i = 0; i < archives.Length; i++)
        {
            using var ingest = await UnpackAsync(archives[i]);
            Store.Commit(ingest, chain[i], i == 0 ? null : chain[i - 1]);
        }
        return chain;
    }

    internal static byte[] Gzip(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
            gzip.Write(content);
        return packed.ToArray();
    }

    internal static byte[]? Attribute(string path, string name)
    {
        using var file = RegularFile.Open(path, 0);
        return ExtendedAttributes.TryGet(file, Encoding.UTF8.GetBytes(name), path);
    }

    internal static bool IsWhiteout(string path) =>
        FileStatus.TryGet(path, followLinks: false) is { Kind: FileKind.CharacterDevice, SpecialMajor: 0, SpecialMinor: 0 };
}
