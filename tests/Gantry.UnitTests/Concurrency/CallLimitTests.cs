using Gantry.Concurrency;
using Gantry.Faults;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gantry.UnitTests.Concurrency;

public sealed class CallLimitTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task EnterAsync_PlacesFree_EntersAtOnce()
    {
        var limit = new CallLimit("plugins", 2, TimeSpan.FromSeconds(5), _time);

        using var one = await limit.EnterAsync(CancellationToken.None);
        using var two = await limit.EnterAsync(CancellationToken.None);
    }

    [Fact]
    public async Task EnterAsync_NoPlaceFree_WaitsForOne()
    {
        var limit = new CallLimit("plugins", 1, TimeSpan.FromSeconds(5), _time);
        var held = await limit.EnterAsync(CancellationToken.None);
        var waiting = limit.EnterAsync(CancellationToken.None).AsTask();
        Assert.False(waiting.IsCompleted);

        held.Dispose();

        (await waiting).Dispose();
    }

    [Fact]
    public async Task EnterAsync_NobodyLeaves_SaysSoAfterItsPatience()
    {
        var limit = new CallLimit("plugins", 1, TimeSpan.FromSeconds(5), _time);
        using var held = await limit.EnterAsync(CancellationToken.None);
        var waiting = limit.EnterAsync(CancellationToken.None).AsTask();

        _time.Advance(TimeSpan.FromSeconds(6));

        var failure = await Assert.ThrowsAsync<UnavailableException>(() => waiting);
        Assert.Contains("1 plugins run already", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EnterAsync_CallerLeaves_TakesNoPlace()
    {
        var limit = new CallLimit("plugins", 1, TimeSpan.FromSeconds(5), _time);
        var held = await limit.EnterAsync(CancellationToken.None);
        using var caller = new CancellationTokenSource();
        var waiting = limit.EnterAsync(caller.Token).AsTask();

        await caller.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        held.Dispose();
        (await limit.EnterAsync(CancellationToken.None)).Dispose();
    }

    [Fact]
    public async Task Dispose_Twice_GivesOnePlaceBack()
    {
        var limit = new CallLimit("plugins", 1, TimeSpan.FromSeconds(5), _time);
        var held = await limit.EnterAsync(CancellationToken.None);
        held.Dispose();
        held.Dispose();

        using var one = await limit.EnterAsync(CancellationToken.None);

        Assert.False(limit.EnterAsync(CancellationToken.None).AsTask().IsCompleted);
    }
}
