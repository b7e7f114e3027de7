using Gantry.Events;
using Gantry.Identity;
using Xunit;

namespace Gantry.UnitTests.Events;

public sealed class EventStreamTests
{
    private readonly EventStream _events = new();

    [Fact]
    public async Task Publish_SeveralReaders_EachIsToldInOrder()
    {
        using var one = _events.Subscribe();
        using var two = _events.Subscribe();

        for (var n = 0; n < 10; n++)
            _events.Publish(Happened(n));

        for (var n = 0; n < 10; n++)
        {
            Assert.Equal(n, (await one.Reader.ReadAsync(TestContext.Current.CancellationToken)).At);
            Assert.Equal(n, (await two.Reader.ReadAsync(TestContext.Current.CancellationToken)).At);
        }
    }

    [Fact]
    public async Task Publish_ReaderTooSlow_IsCutOffAndOthersAreNot()
    {
        using var slow = _events.Subscribe();
        using var fast = _events.Subscribe();

        for (var n = 0; n <= EventSubscription.QueueLength; n++)
        {
            _events.Publish(Happened(n));
            Assert.True(fast.Reader.TryRead(out _));
        }

        Assert.True(slow.WasCut);
        Assert.False(fast.WasCut);
        await Task.Delay(Timeout.Infinite, slow.Ended).ContinueWith(_ => { }, TestContext.Current.CancellationToken, TaskContinuationOptions.None, TaskScheduler.Default);
        Assert.False(fast.Ended.IsCancellationRequested);
    }

    [Fact]
    public void Dispose_ByTheReader_IsNoCut()
    {
        var reader = _events.Subscribe();

        reader.Dispose();
        reader.Dispose();
        _events.Publish(Happened(1));

        Assert.False(reader.WasCut);
        Assert.True(reader.Reader.Completion.IsCompleted);
    }

    [Fact]
    public void Close_ReadersOfNowAndLater_End()
    {
        using var before = _events.Subscribe();

        _events.Close();
        using var after = _events.Subscribe();

        Assert.True(before.Reader.Completion.IsCompleted);
        Assert.True(after.Reader.Completion.IsCompleted);
    }

    private static NodeEvent Happened(long at) => new(NodeEventKind.Created, PodId.New(), null, at);
}
