using Gantry.Faults;
using Gantry.Identity;
using Gantry.Images.Unpacking;
using Xunit;

namespace Gantry.UnitTests.Images.Unpacking;

public sealed class LayerPipelineTests : IDisposable
{
    private readonly LayerFixture _layers = new();
    private readonly byte[] _archive = new TarBuilder().Directory("etc").File("etc/motd", new string('m', 300_000)).Build();

    public void Dispose() => _layers.Dispose();

    [Fact]
    public async Task Run_GzipAndZstd_GiveTreeAndBlob()
    {
        using var zstd = new ZstdSharp.Compressor();
        foreach (var (blob, compression) in new[]
            { (LayerFixture.Gzip(_archive), LayerCompression.Gzip), (zstd.Wrap(_archive).ToArray(), LayerCompression.Zstd) })
        {
            using var ingest = _layers.Store.Begin();

            var result = await _layers.RunAsync(blob, compression, Digest.Compute(_archive), ingest);

            Assert.Equal(_archive.Length, result.ArchiveBytes);
            Assert.Equal(blob, File.ReadAllBytes($"{_layers.Root}/blob"));
            Assert.Equal(300_000, new FileInfo($"{ingest.TreePath}/etc/motd").Length);
        }
    }

    [Fact]
    public async Task Run_TruncatedGzipWithItsOwnDigest_IsCaughtByTheDiffId()
    {
        var blob = LayerFixture.Gzip(_archive);
        foreach (var length in new[] { blob.Length / 2, 20, 0 })
            await AssertCorruptAsync(blob[..length], Digest.Compute(_archive));
    }

    [Fact]
    public async Task Run_WrongDigestSizeDiffIdOrFormat_IsRefused()
    {
        var blob = LayerFixture.Gzip(_archive);
        var diffId = Digest.Compute(_archive);

        await AssertCorruptAsync(blob, Digest.Compute([1]));
        await AssertCorruptAsync(blob, diffId, digest: Digest.Compute([1]));
        await AssertCorruptAsync(blob, diffId, size: blob.Length - 1);
        await AssertCorruptAsync(blob, diffId, size: blob.Length + 1);
        await AssertCorruptAsync(_archive, diffId);
        await AssertCorruptAsync(new byte[5000], diffId);
    }

    [Fact]
    public async Task Run_GarbageBehindTheArchive_IsPartOfBothDigests()
    {
        byte[] archive = [.. _archive, .. new byte[700_000], 1, 2, 3];
        using var ingest = _layers.Store.Begin();

        var result = await _layers.RunAsync(LayerFixture.Gzip(archive), LayerCompression.Gzip, Digest.Compute(archive), ingest);

        Assert.Equal(archive.Length, result.ArchiveBytes);
    }

    [Fact]
    public async Task Run_SilentRegistryAndCancel_EndsAtOnce()
    {
        using var ingest = _layers.Store.Begin();
        using var cancel = new CancellationTokenSource();
        var pipe = new System.IO.Pipelines.Pipe();
        await pipe.Writer.WriteAsync(LayerFixture.Gzip(_archive).AsMemory(0, 100));

        var run = new LayerPipeline(new LayerLimits(), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance).RunAsync(
            pipe.Reader.AsStream(), new LayerDescriptor(Digest.Compute([1]), 1000, LayerCompression.Gzip), Digest.Compute([2]),
            null, ingest, null, cancel.Token);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.WaitAsync(TimeSpan.FromSeconds(5)));
    }

    [Fact]
    public async Task Run_BadArchiveWhileTheRegistryIsSilent_EndsAtOnce()
    {
        using var ingest = _layers.Store.Begin();
        var pipe = new System.IO.Pipelines.Pipe();
        // What is received goes on by whole blocks, several of them.
        var sending = pipe.Writer.WriteAsync(Enumerable.Repeat((byte)7, 300_000).ToArray());

        var run = new LayerPipeline(new LayerLimits(), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance).RunAsync(
            pipe.Reader.AsStream(), new LayerDescriptor(Digest.Compute([1]), 1_000_000, LayerCompression.None), Digest.Compute([2]),
            null, ingest, null, CancellationToken.None);

        await Assert.ThrowsAsync<CorruptContentException>(() => run.WaitAsync(TimeSpan.FromSeconds(5)));
        await sending;
    }

    /// <summary>Decompression has a thread of its own then.</summary>
    [Theory]
    [InlineData("good")]
    [InlineData("wrong diff id")]
    [InlineData("wrong digest")]
    [InlineData("no tar archive")]
    [InlineData("too large")]
    [InlineData("damaged in the middle")]
    public async Task Run_LargeLayer_IsUnpackedOrRefusedLikeASmallOne(string kind)
    {
        var random = new Random(7);
        var content = new byte[35 << 20];
        random.NextBytes(content);
        var archive = kind == "no tar archive" ? content : new TarBuilder().Directory("etc").Add("etc/large", '0', content: content).File("etc/small", "small").Build();
        var blob = LayerFixture.Gzip(archive);
        if (kind == "damaged in the middle")
            blob[blob.Length / 2] ^= 1;
        if (kind == "too large")
            _layers.Limits = new LayerLimits { MaxBytes = 34 << 20 };
        using var ingest = _layers.Store.Begin();

        var run = _layers.RunAsync(
            blob, LayerCompression.Gzip, kind == "wrong diff id" ? Digest.Compute([1]) : Digest.Compute(archive), ingest,
            kind == "wrong digest" ? Digest.Compute([2]) : null).WaitAsync(TimeSpan.FromSeconds(60));

        if (kind == "good")
        {
            Assert.Equal(archive.Length, (await run).ArchiveBytes);
            Assert.Equal(blob, File.ReadAllBytes($"{_layers.Root}/blob"));
            Assert.Equal(content, File.ReadAllBytes($"{ingest.TreePath}/etc/large"));
            Assert.Equal("small", File.ReadAllText($"{ingest.TreePath}/etc/small"));
        }
        else if (kind == "too large")
        {
            await Assert.ThrowsAsync<ResourceExhaustedException>(() => run);
        }
        else
        {
            Assert.StartsWith("layer sha256:", (await Assert.ThrowsAsync<CorruptContentException>(() => run)).Message, StringComparison.Ordinal);
        }
    }

    private async Task AssertCorruptAsync(byte[] blob, Digest diffId, Digest? digest = null, long? size = null)
    {
        using var ingest = _layers.Store.Begin();
        var fault = await Assert.ThrowsAsync<CorruptContentException>(
            () => _layers.RunAsync(blob, LayerCompression.Gzip, diffId, ingest, digest, size).WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.StartsWith("layer sha256:", fault.Message, StringComparison.Ordinal);
    }
}
