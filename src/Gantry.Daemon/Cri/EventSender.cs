using Gantry.Cri.Api;
using Gantry.Cri.Translation;
using Gantry.Events;
using Gantry.Faults;
using Grpc.Core;

namespace Gantry.Cri;

/// <summary>Tells one reader what happens from now on, and is silent while nothing does.</summary>
internal static class EventSender
{
    /// <summary>
    /// For a write that is under way when the subscription ends: a slow reader then learns why. One that takes nothing at all
    /// has its stream reset, which is all that can be told to it.
    /// </summary>
    private static readonly TimeSpan _grace = TimeSpan.FromSeconds(2);

    /// <summary>Goes on until the reader leaves, is too slow, or the daemon stops; nobody else is held up by it.</summary>
    /// <exception cref="OperationCanceledException">The reader left.</exception>
    /// <exception cref="ResourceExhaustedException">The reader was too slow.</exception>
    /// <exception cref="UnavailableException">The daemon stops.</exception>
    public static async Task RunAsync(Composition node, bool withLocal, IServerStreamWriter<ContainerEventResponse> stream, ServerCallContext context)
    {
        using var subscription = node.Events.Subscribe();
        var events = new EventToCri(node.Pods, node.Containers, withLocal);
        // By these the reader knows that it misses nothing from here on.
        await context.WriteResponseHeadersAsync([]);
        await RunAsync(subscription, events.Translate, stream, _grace, context.CancellationToken);
    }

    internal static async Task RunAsync(
        EventSubscription subscription, Func<NodeEvent, ContainerEventResponse?> translate, IServerStreamWriter<ContainerEventResponse> stream,
        TimeSpan grace, CancellationToken left)
    {
        using var stalled = CancellationTokenSource.CreateLinkedTokenSource(left);
        using var ended = subscription.Ended.Register(() => stalled.CancelAfter(grace));
        try
        {
            await PumpAsync(subscription, translate, stream, stalled.Token);
        }
        catch (OperationCanceledException) when (!left.IsCancellationRequested)
        {
            // It took nothing in all that time.
        }
        throw subscription.WasCut
            ? new ResourceExhaustedException($"the reader is more than {EventSubscription.QueueLength} events behind: list the pods, and ask for events again")
            : new UnavailableException("gantryd is stopping");
    }

    private static async Task PumpAsync(
        EventSubscription subscription, Func<NodeEvent, ContainerEventResponse?> translate, IServerStreamWriter<ContainerEventResponse> stream, CancellationToken cancel)
    {
        await foreach (var happened in subscription.Reader.ReadAllAsync(cancel))
        {
            // Of a subscription that was cut the queue is full still.
            if (subscription.Ended.IsCancellationRequested)
                return;
            if (translate(happened) is { } message)
                await stream.WriteAsync(message, cancel);
        }
    }
}
