using Gantry.Cri.Api;
using Gantry.Cri.Translation;
using Gantry.Events;
using Gantry.Faults;
using Grpc.Core;

namespace Gantry.Cri;

/// <summary>Tells one reader what happens from now on, and is silent while nothing does.</summary>
internal static class EventSender
{
    /// <summary>Ends when the reader leaves, is too slow, or the daemon stops; nobody else is held up by it.</summary>
    /// <exception cref="ResourceExhaustedException">The reader was too slow.</exception>
    /// <exception cref="UnavailableException">The daemon stops.</exception>
    public static async Task RunAsync(Composition node, bool withLocal, IServerStreamWriter<ContainerEventResponse> stream, ServerCallContext context)
    {
        using var subscription = node.Events.Subscribe();
        var events = new EventToCri(node.Pods, node.Containers, withLocal);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, subscription.Ended);
        try
        {
            // By these the reader knows that it misses nothing from here on.
            await context.WriteResponseHeadersAsync([]);
            await PumpAsync(subscription, events, stream, end.Token);
        }
        catch (OperationCanceledException) when (!context.CancellationToken.IsCancellationRequested)
        {
            // The subscription has ended, perhaps in the middle of a write that the reader does not take.
        }
        if (context.CancellationToken.IsCancellationRequested)
            return;
        throw subscription.WasCut
            ? new ResourceExhaustedException($"the reader is more than {EventSubscription.QueueLength} events behind: list the pods, and ask for events again")
            : new UnavailableException("gantryd is stopping");
    }

    internal static async Task PumpAsync(EventSubscription subscription, EventToCri events, IServerStreamWriter<ContainerEventResponse> stream, CancellationToken end)
    {
        await foreach (var happened in subscription.Reader.ReadAllAsync(end))
        {
            if (events.Translate(happened) is { } message)
                await stream.WriteAsync(message, end);
        }
    }
}
