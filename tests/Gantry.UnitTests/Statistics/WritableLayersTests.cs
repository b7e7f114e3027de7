using Gantry.Identity;
using Gantry.Persistence;
using Gantry.Statistics;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gantry.UnitTests.Statistics;

public sealed class WritableLayersTests : IDisposable
{
    private readonly NodePaths _paths = new(Directory.CreateTempSubdirectory("gantry-layers-").FullName, "/nowhere");
    private readonly FakeTimeProvider _time = new();
    private readonly ContainerId _id = ContainerId.New();
    private readonly WritableLayers _layers;

    public WritableLayersTests()
    {
        Directory.CreateDirectory(_paths.ContainerUpper(_id));
        _layers = new WritableLayers(_paths, _time, NullLogger.Instance);
    }

    public void Dispose() => Directory.Delete(_paths.Root, recursive: true);

    [Fact]
    public void Usage_SmallLayer_IsMeasuredAtOnce()
    {
        Fill(10);

        Assert.Equal(11, _layers.Usage(_id)!.Inodes);
    }

    [Fact]
    public async Task Usage_LargeLayer_IsMeasuredBehindTheAnswer()
    {
        Fill(500);

        await UntilAsync(() => _layers.Usage(_id)?.Inodes == 501);
    }

    [Fact]
    public async Task Usage_Grown_IsToldOnceTheOldIsNotFresh()
    {
        _layers.Usage(_id);
        Fill(20);
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(1, _layers.Usage(_id)!.Inodes);

        _time.Advance(TimeSpan.FromSeconds(2));
        await UntilAsync(() => _layers.Usage(_id)!.Inodes == 21);
    }

    [Fact]
    public void Usage_NoSuchContainer_IsNull() => Assert.Null(_layers.Usage(ContainerId.New()));

    [Fact]
    public void Keep_GoneContainers_AreForgotten()
    {
        _layers.Usage(_id);

        _layers.Keep(_ => false);

        Assert.Equal(0, _layers.Count);
    }

    private void Fill(int files)
    {
        for (var n = 0; n < files; n++)
            File.WriteAllText(Path.Combine(_paths.ContainerUpper(_id), $"{n}"), "x");
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!condition())
            await Task.Delay(5, limit.Token);
    }
}
