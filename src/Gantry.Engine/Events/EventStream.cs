using System.Collections.Immutable;
using System.Threading.Channels;

namespace Gantry.Events;

/// <summary>
/// Tells everyone who subscribed what happened, in order. A subscriber that falls more than its queue behind is cut off
/// (its reader completes); nobody ever waits for one.
/// </summary>
public sealed class EventStream
{
    private const int QueueLength = 1000;
    private ImmutableArray<Channel<NodeEvent>> _subscribers = [];

    public void Publish(NodeEvent happened)
    {
        foreach (var subscriber in _subscribers)
        {
            if (!subscriber.Writer.TryWrite(happened))
                Cut(subscriber);
        }
    }

    /// <summary>Starts a subscription; dispose it to end it.</summary>
    public EventSubscription Subscribe()
    {
        var channel = Channel.CreateBounded<NodeEvent>(new BoundedChannelOptions(QueueLength) { FullMode = BoundedChannelFullMode.Wait });
        ImmutableInterlocked.Update(ref _subscribers, (all, added) => all.Add(added), channel);
        return new EventSubscription(channel.Reader, () => Cut(channel));
    }

    private void Cut(Channel<NodeEvent> channel)
    {
        ImmutableInterlocked.Update(ref _subscribers, (all, gone) => all.Remove(gone), channel);
        channel.Writer.TryComplete();
    }
}

/// <summary>One reader of the <see cref="EventStream"/>.</summary>
public sealed class EventSubscription(ChannelReader<NodeEvent> reader, Action end) : IDisposable
{
    /// <summary>What happens from now on; completes when the reader was too slow.</summary>
    public ChannelReader<NodeEvent> Reader { get; } = reader;

    public void Dispose() => end();
}
