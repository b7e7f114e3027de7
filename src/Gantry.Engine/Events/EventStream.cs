using System.Collections.Immutable;
using System.Threading.Channels;

namespace Gantry.Events;

/// <summary>
/// Tells everyone who subscribed what happened, in order. A subscriber that falls more than its queue behind is cut off;
/// nobody ever waits for one.
/// </summary>
public sealed class EventStream
{
    private ImmutableArray<EventSubscription> _subscribers = [];
    private volatile bool _isClosed;

    public void Publish(NodeEvent happened)
    {
        foreach (var subscriber in _subscribers)
        {
            if (!subscriber.TryPut(happened))
                subscriber.End(cut: true);
        }
    }

    /// <summary>Starts a subscription; dispose it to end it.</summary>
    public EventSubscription Subscribe()
    {
        var subscription = new EventSubscription(gone => ImmutableInterlocked.Update(ref _subscribers, (all, one) => all.Remove(one), gone));
        ImmutableInterlocked.Update(ref _subscribers, (all, added) => all.Add(added), subscription);
        if (_isClosed)
            subscription.Dispose();
        return subscription;
    }

    /// <summary>Ends all subscriptions, and each later one at once: the daemon stops, and open streams would hold it up.</summary>
    public void Close()
    {
        _isClosed = true;
        foreach (var subscriber in _subscribers)
            subscriber.Dispose();
    }
}

/// <summary>One reader of the <see cref="EventStream"/>.</summary>
public sealed class EventSubscription : IDisposable
{
    /// <summary>How far a reader may be behind.</summary>
    public const int QueueLength = 1000;

    private readonly Channel<NodeEvent> _queue = Channel.CreateBounded<NodeEvent>(new BoundedChannelOptions(QueueLength) { SingleReader = true });
    private readonly CancellationTokenSource _end = new();
    private readonly Action<EventSubscription> _leave;
    private int _hasEnded;

    internal EventSubscription(Action<EventSubscription> leave)
    {
        _leave = leave;
        Ended = _end.Token;
    }

    /// <summary>What happens from now on; completes when the subscription has ended.</summary>
    public ChannelReader<NodeEvent> Reader => _queue.Reader;

    /// <summary>Cancelled when it has ended, for whatever reason: what the reader waits for then is not worth waiting for.</summary>
    public CancellationToken Ended { get; }

    /// <summary>Whether it ended because the reader was too slow.</summary>
    public bool WasCut { get; private set; }

    public void Dispose() => End(cut: false);

    internal bool TryPut(NodeEvent happened) => _queue.Writer.TryWrite(happened);

    internal void End(bool cut)
    {
        if (Interlocked.Exchange(ref _hasEnded, 1) != 0)
            return;
        WasCut = cut;
        _leave(this);
        _queue.Writer.TryComplete();
        _ = TellAsync();
    }

    private async Task TellAsync()
    {
        // Not Cancel: what waits for the token must not run on the thread that published.
        await _end.CancelAsync();
        _end.Dispose();
    }
}
