using Gantry.Faults;
using Gantry.Identity;
using Gantry.Pods;
using Xunit;

namespace Gantry.UnitTests.Pods;

public sealed class PodGateTests
{
    private readonly PodGate _gate = new();
    private readonly PodId _pod = PodId.New();

    [Fact]
    public async Task EnterStopAsync_CreationsUnderWay_AreAskedToGiveUpAndWaitedFor()
    {
        var (one, two) = (_gate.EnterCreation(_pod), _gate.EnterCreation(_pod));

        var stop = _gate.EnterStopAsync(_pod, CancellationToken.None);

        Assert.True(one.GiveUp.IsCancellationRequested && two.GiveUp.IsCancellationRequested);
        one.Dispose();
        Assert.False(stop.IsCompleted);
        two.Dispose();
        (await stop).Dispose();
    }

    [Fact]
    public async Task EnterCreation_StopUnderWay_IsRefusedAndLaterFine()
    {
        var stop = await _gate.EnterStopAsync(_pod, CancellationToken.None);

        Assert.Throws<WrongStateException>(() => _gate.EnterCreation(_pod));
        _gate.EnterCreation(PodId.New()).Dispose();
        stop.Dispose();

        using var creation = _gate.EnterCreation(_pod);
        Assert.False(creation.GiveUp.IsCancellationRequested);
    }

    [Fact]
    public async Task EnterStopAsync_TwoStops_OneAfterTheOther()
    {
        var first = await _gate.EnterStopAsync(_pod, CancellationToken.None);
        var second = _gate.EnterStopAsync(_pod, CancellationToken.None);
        Assert.False(second.IsCompleted);

        first.Dispose();

        (await second).Dispose();
    }

    [Fact]
    public async Task EnterStopAsync_CallerLeaves_PodIsUsableAgain()
    {
        var creation = _gate.EnterCreation(_pod);
        using var caller = new CancellationTokenSource();
        var stop = _gate.EnterStopAsync(_pod, caller.Token);
        await caller.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stop);

        creation.Dispose();

        _gate.EnterCreation(_pod).Dispose();
    }
}
