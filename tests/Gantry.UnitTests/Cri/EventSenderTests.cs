using Gantry.Cri;
using Gantry.Cri.Api;
using Gantry.Events;
using Gantry.Faults;
using Gantry.Identity;
using Grpc.Core;
using Xunit;

namespace Gantry.UnitTests.Cri;

public sealed class EventSenderTests : IDisposable
{
    private static readonly TimeSpan _long = TimeSpan.FromHours(1);
    private readonly EventStream _events = new();
    private readonly CancellationTokenSource _left = new();
    private readonly Reader _reader = new();

    public void Dispose() => _left.Dispose();

    [Fact]
    public async Task RunAsync_ReaderThatReads_IsToldEverythingInOrder()
    {
        using var subscription = _events.Subscribe();
        var sending = RunAsync(subscription, _long);
        for (var n = 0; n < 5; n++)
            _events.Publish(Happened(n));

        for (var n = 0; n < 5; n++)
            Assert.Equal(n, (await _reader.TakeAsync()).CreatedAt);
        Assert.False(sending.IsCompleted);

        await _left.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
    }

    [Fact]
    public async Task RunAsync_SlowReader_LearnsThatItWasTooSlow()
    {
        using var subscription = _events.Subscribe();
        var sending = RunAsync(subscription, _long);
        await FillAsync(subscription);

        await _reader.TakeAsync();

        await Assert.ThrowsAsync<ResourceExhaustedException>(() => sending);
    }

    [Fact]
    public async Task RunAsync_ReaderThatTakesNothing_IsNotWaitedFor()
    {
        using var subscription = _events.Subscribe();
        var sending = RunAsync(subscription, TimeSpan.Zero);
        await FillAsync(subscription);

        await Assert.ThrowsAsync<ResourceExhaustedException>(() => sending);
    }

    [Fact]
    public async Task RunAsync_DaemonStops_EndsWithUnavailable()
    {
        using var subscription = _events.Subscribe();
        var sending = RunAsync(subscription, _long);

        _events.Close();

        await Assert.ThrowsAsync<UnavailableException>(() => sending);
    }

    private Task RunAsync(EventSubscription subscription, TimeSpan grace) =>
        EventSender.RunAsync(subscription, happened => new ContainerEventResponse { CreatedAt = happened.At }, _reader, grace, _left.Token);

    /// <summary>Until the subscription is cut off, with one write under way.</summary>
    private async Task FillAsync(EventSubscription subscription)
    {
        _events.Publish(Happened(0));
        await _reader.Writing;
        for (var n = 1; !subscription.WasCut; n++)
            _events.Publish(Happened(n));
        // Told by another thread than the one that published.
        using var told = new SemaphoreSlim(0);
        await using var registered = subscription.Ended.Register(() => told.Release());
        await told.WaitAsync(TestContext.Current.CancellationToken);
    }

    private static NodeEvent Happened(long at) => new(NodeEventKind.Created, PodId.New(), null, at);

    /// <summary>A stream whose writes are done when the other side takes what was written.</summary>
    private sealed class Reader : IServerStreamWriter<ContainerEventResponse>
    {
        private readonly SemaphoreSlim _written = new(0);
        private readonly SemaphoreSlim _taken = new(0);
        private readonly TaskCompletionSource _writing = new();
        private ContainerEventResponse? _message;

        public WriteOptions? WriteOptions { get; set; }

        public Task Writing => _writing.Task;

        public Task WriteAsync(ContainerEventResponse message) => WriteAsync(message, CancellationToken.None);

        public async Task WriteAsync(ContainerEventResponse message, CancellationToken cancellationToken)
        {
            _message = message;
            _writing.TrySetResult();
            _written.Release();
            await _taken.WaitAsync(cancellationToken);
        }

        public async Task<ContainerEventResponse> TakeAsync()
        {
            await _written.WaitAsync(TestContext.Current.CancellationToken);
            var message = _message!;
            _taken.Release();
            return message;
        }
    }
}
