using Gantry.Concurrency;
using Xunit;

namespace Gantry.UnitTests.Concurrency;

public sealed class SharedOperationsTests
{
    [Fact]
    public async Task JoinAsync_SameKeyWhileRunning_StartsOnce()
    {
        var operations = new SharedOperations<string, int>();
        var gate = new TaskCompletionSource<int>();
        var starts = 0;
        Task<int> Start()
        {
            Interlocked.Increment(ref starts);
            return gate.Task;
        }

        var first = operations.JoinAsync("a", Start, CancellationToken.None);
        var second = operations.JoinAsync("a", Start, CancellationToken.None);
        gate.SetResult(7);

        Assert.Equal(7, await first);
        Assert.Equal(7, await second);
        Assert.Equal(1, starts);
    }

    [Fact]
    public async Task JoinAsync_CallerCancels_RunGoesOn()
    {
        var operations = new SharedOperations<string, int>();
        var gate = new TaskCompletionSource<int>();
        using var cancel = new CancellationTokenSource();

        var first = operations.JoinAsync("a", () => gate.Task, cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        var retry = operations.JoinAsync("a", () => throw new InvalidOperationException("started twice"), CancellationToken.None);
        gate.SetResult(3);

        Assert.Equal(3, await retry);
    }
}
