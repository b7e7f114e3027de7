using Gantry.Concurrency;
using Xunit;

namespace Gantry.UnitTests.Concurrency;

public sealed class KeyedLockTests
{
    [Fact]
    public async Task EnterAsync_SameKey_WaitsForItsHolder()
    {
        var locks = new KeyedLock<string>();
        var held = await locks.EnterAsync("a", CancellationToken.None);
        var waiting = locks.EnterAsync("a", CancellationToken.None).AsTask();
        Assert.False(waiting.IsCompleted);

        held.Dispose();

        (await waiting).Dispose();
    }

    [Fact]
    public async Task EnterAsync_OtherKey_DoesNotWait()
    {
        var locks = new KeyedLock<string>();
        using var held = await locks.EnterAsync("a", CancellationToken.None);

        using var other = await locks.EnterAsync("b", CancellationToken.None);
    }

    [Fact]
    public async Task EnterAsync_WaiterLeaves_LockIsNotLost()
    {
        var locks = new KeyedLock<string>();
        var held = await locks.EnterAsync("a", CancellationToken.None);
        using var caller = new CancellationTokenSource();
        var waiting = locks.EnterAsync("a", caller.Token).AsTask();
        await caller.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);

        held.Dispose();

        (await locks.EnterAsync("a", CancellationToken.None)).Dispose();
    }

    [Fact]
    public async Task EnterAsync_SeveralAllowed_ThatManyHoldIt()
    {
        var locks = new KeyedLock<string>(2);
        using var one = await locks.EnterAsync("a", CancellationToken.None);
        var two = await locks.EnterAsync("a", CancellationToken.None);
        var third = locks.EnterAsync("a", CancellationToken.None).AsTask();
        Assert.False(third.IsCompleted);

        two.Dispose();
        two.Dispose();

        (await third).Dispose();
    }

    [Fact]
    public async Task EnterAsync_ManyAtOnce_NeverTwoInside()
    {
        var locks = new KeyedLock<int>();
        var inside = 0;
        var most = 0;
        await Task.WhenAll(Enumerable.Range(0, 200).Select(async _ =>
        {
            using var held = await locks.EnterAsync(1, CancellationToken.None);
            most = Math.Max(most, Interlocked.Increment(ref inside));
            await Task.Yield();
            Interlocked.Decrement(ref inside);
        }));

        Assert.Equal(1, most);
    }
}
