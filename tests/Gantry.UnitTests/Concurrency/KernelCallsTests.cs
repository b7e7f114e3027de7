using Gantry.Concurrency;
using Gantry.Faults;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gantry.UnitTests.Concurrency;

public sealed class KernelCallsTests : IDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(5);
    private readonly FakeTimeProvider _time = new();
    private readonly ManualResetEventSlim _kernel = new();

    public void Dispose()
    {
        _kernel.Set();
        _kernel.Dispose();
    }

    [Fact]
    public async Task RunAsync_WorkEnds_ItsResultComes() => Assert.Equal(7, await Calls(1).RunAsync("x", _ => 7, CancellationToken.None));

    [Fact]
    public async Task RunAsync_WorkFails_ItsFailureComes() =>
        await Assert.ThrowsAsync<InvalidDataException>(() => Calls(1).RunAsync<int>("x", _ => throw new InvalidDataException("bad"), CancellationToken.None));

    [Fact]
    public async Task RunAsync_WorkHangs_CallerIsToldAndWorkIsTold()
    {
        var token = CancellationToken.None;
        var begun = new TaskCompletionSource();
        var run = Calls(1).RunAsync("container web: reading", given =>
        {
            token = given;
            begun.SetResult();
            Hang();
            return 0;
        }, CancellationToken.None);
        await begun.Task;

        _time.Advance(_deadline);

        var failure = await Assert.ThrowsAsync<TimedOutException>(() => run);
        Assert.StartsWith("container web: reading has not ended within 5 s", failure.Message, StringComparison.Ordinal);
        Assert.True(token.IsCancellationRequested);
    }

    [Fact]
    public async Task RunAsync_OneHangs_OthersGoOn()
    {
        var calls = Calls(2);
        var hanging = calls.RunAsync("hung", _ => { Hang(); return 0; }, CancellationToken.None);

        Assert.Equal(1, await calls.RunAsync("other", _ => 1, CancellationToken.None));
        Assert.False(hanging.IsCompleted);
    }

    [Fact]
    public async Task RunAsync_EveryPlaceHangs_IsUnavailableUntilTheKernelAnswers()
    {
        var calls = Calls(1);
        var hanging = calls.RunAsync("hung", _ => { Hang(); return 0; }, CancellationToken.None);
        _time.Advance(_deadline);
        await Assert.ThrowsAsync<TimedOutException>(() => hanging);
        var next = calls.RunAsync("next", _ => 1, CancellationToken.None);
        _time.Advance(_deadline);
        await Assert.ThrowsAsync<UnavailableException>(() => next);

        _kernel.Set();

        Assert.Equal(2, await calls.RunAsync("after", _ => 2, CancellationToken.None));
    }

    /// <summary>As a system call on a mount whose server is gone.</summary>
    private void Hang()
    {
        try
        {
            _kernel.Wait();
        }
        catch (ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private KernelCalls Calls(int most) => new(most, _deadline, _time);
}
