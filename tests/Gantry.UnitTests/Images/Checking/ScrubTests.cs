using System.Diagnostics;
using Gantry.Images;
using Gantry.Linux.Files;
using Gantry.UnitTests.Images.Pulling;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gantry.UnitTests.Images.Checking;

/// <summary>F46, in the background: the scrub finds damage on its own schedule and has the damaged piece alone fetched again.</summary>
public sealed class ScrubTests
{
    private static readonly TimeSpan _day = TimeSpan.FromHours(24);
    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData("blob")]
    [InlineData("layer")]
    public async Task F46_DamageWhileTheDaemonRuns_IsFoundByTheNextScrubAndRepairedAlone(string what)
    {
        await using var node = await ImageFixture.StartAsync();
        node.Serve("team/app", "1", ImageFixture.ThreeLayers());
        var image = await node.PullAsync();
        var blob = node.Images.BlobPath(image.Layers[0].Digest);
        var tool = $"{node.TreeOf(image, 0)}/usr/tool";
        File.WriteAllText(what == "blob" ? blob : tool, "damaged");
        var fetched = node.Registry.SeenOf("/blobs/").Count();

        var waited = await RunUntilScrubbedAsync(node);

        Assert.InRange(waited, _day, _day + TimeSpan.FromHours(2));
        Assert.Contains("1 problems, 1 repaired", node.Net.Log.Text, StringComparison.Ordinal);
        Assert.Equal(new string('t', 200_000), File.ReadAllText(tool));
        Assert.Equal(image.Layers[0].Size, FileStatus.TryGet(blob)!.Size);
        Assert.Equal(what == "blob" ? 1 : 0, node.Registry.SeenOf("/blobs/").Count() - fetched);
        node.AssertNothingUnfinished();
    }

    [Fact]
    public async Task Scrub_DaemonThatRestartsOftenerThanItIsDue_ComesToItAllTheSame()
    {
        await using var node = await ImageFixture.StartAsync();
        node.Serve("team/app", "1", ImageFixture.ThreeLayers());
        await node.PullAsync();
        await RunUntilScrubbedAsync(node);
        _time.Advance(TimeSpan.FromHours(20));

        var waited = await RunUntilScrubbedAsync(node);

        Assert.InRange(waited, TimeSpan.FromHours(3), TimeSpan.FromHours(6));
    }

    /// <summary>A daemon's background work from its start to its first scrub; answers how long that took on its clock.</summary>
    private async Task<TimeSpan> RunUntilScrubbedAsync(ImageFixture node)
    {
        var care = new ImageCare(new ImageCareOptions("", _day, null), node.Paths, node.Importer, node.Checker, node.Collector, _time, node.Net.Log);
        using var stop = new CancellationTokenSource();
        var scrubs = Scrubs(node);
        var began = _time.GetUtcNow();
        var running = care.RunAsync(stop.Token);
        var limit = Stopwatch.StartNew();
        while (Scrubs(node) == scrubs)
        {
            Assert.True(limit.Elapsed < TimeSpan.FromMinutes(2), $"no scrub after {_time.GetUtcNow() - began}");
            // No further than what is due, so that the clock tells when it was.
            if (_time.GetUtcNow() - began < _day + TimeSpan.FromHours(1))
                _time.Advance(TimeSpan.FromMinutes(20));
            await Task.Delay(5);
        }
        await stop.CancelAsync();
        await running;
        return File.GetLastWriteTimeUtc($"{node.Paths.Images}/scrubbed") - began.UtcDateTime;
    }

    private static int Scrubs(ImageFixture node) => node.Net.Log.Text.Split("Verified ").Length - 1;
}
