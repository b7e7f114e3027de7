using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Conformance.Specs;

/// <summary>Events, as the kubelet's evented lifecycle needs them.</summary>
internal static class EventSpecs
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    public static IReadOnlyList<Spec> All { get; } =
    [
        new("events/lifecycle", "a pod and its container are told of in order: created, started, stopped, deleted", LifecycleAsync),
        new("events/statuses", "each event has its pod's status and those of its containers, as new as the event", StatusesAsync),
        new("events/deleted-pod", "the event of a removed pod names the pod by its metadata", DeletedPodAsync),
        new("events/two-readers", "every reader is told of everything", TwoReadersAsync),
        new("events/silence", "the stream stays open while nothing happens", SilenceAsync),
        new("events/leave", "a reader may leave, and others stay", LeaveAsync),
    ];

    private static async Task LifecycleAsync(SpecContext cri)
    {
        using var reader = await EventReader.OpenAsync(cri);
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("exit 3");
        await container.WaitForExitAsync();
        await container.RemoveAsync();
        await pod.RemoveAsync();
        var told = await reader.ReadUntilAsync(pod.Id, message => IsDeleted(message, pod.Id));

        string Story(string id) => string.Join(' ', told.Where(message => message.ContainerId == id).Select(message => Word(message.ContainerEventType)));
        Check.Equal("created started stopped deleted", Story(pod.Id));
        Check.Equal("created started stopped deleted", Story(container.Id));
        Check.True(told.All(message => message.CreatedAt > 0));
        Check.True(told.Where(message => message.ContainerId == container.Id).Zip(told.Where(message => message.ContainerId == container.Id).Skip(1)).All(pair => pair.First.CreatedAt <= pair.Second.CreatedAt));
    }

    private static async Task StatusesAsync(SpecContext cri)
    {
        using var reader = await EventReader.OpenAsync(cri);
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("exit 3");
        await container.WaitForExitAsync();
        var told = await reader.ReadUntilAsync(pod.Id, message => message.ContainerId == container.Id && message.ContainerEventType == ContainerEventType.ContainerStoppedEvent);

        foreach (var message in told)
        {
            Check.Equal(pod.Id, message.PodSandboxStatus.Id);
            Check.Equal(pod.Config.Metadata, message.PodSandboxStatus.Metadata);
            Check.True(message.PodSandboxStatus.CreatedAt > 0);
        }
        var stopped = told[^1].ContainersStatuses.Single(status => status.Id == container.Id);
        Check.Equal(ContainerState.ContainerExited, stopped.State);
        Check.Equal(3, stopped.ExitCode);
        Check.True(stopped.FinishedAt > 0);
        var started = told.First(message => message.ContainerId == container.Id && message.ContainerEventType == ContainerEventType.ContainerStartedEvent);
        Check.True(started.ContainersStatuses.Any(status => status.Id == container.Id && status.State is ContainerState.ContainerRunning or ContainerState.ContainerExited));
    }

    private static async Task DeletedPodAsync(SpecContext cri)
    {
        using var reader = await EventReader.OpenAsync(cri);
        var pod = await cri.RunPodAsync();
        await pod.RemoveAsync();
        var told = await reader.ReadUntilAsync(pod.Id, message => IsDeleted(message, pod.Id));
        Check.Equal(pod.Config.Metadata, told[^1].PodSandboxStatus.Metadata);
        Check.Equal(PodSandboxState.SandboxNotready, told[^1].PodSandboxStatus.State);
        Check.Equal(0, told[^1].ContainersStatuses.Count);
    }

    private static async Task TwoReadersAsync(SpecContext cri)
    {
        using var one = await EventReader.OpenAsync(cri);
        using var two = await EventReader.OpenAsync(cri);
        var pod = await cri.RunPodAsync();
        await pod.RemoveAsync();
        var first = await one.ReadUntilAsync(pod.Id, message => IsDeleted(message, pod.Id));
        var second = await two.ReadUntilAsync(pod.Id, message => IsDeleted(message, pod.Id));
        Check.Equal(Words(first), Words(second));
    }

    private static async Task SilenceAsync(SpecContext cri)
    {
        using var reader = await EventReader.OpenAsync(cri);
        var pod = await cri.RunPodAsync();
        await reader.ReadUntilAsync(pod.Id, message => message.ContainerEventType == ContainerEventType.ContainerStartedEvent);
        var next = reader.ReadUntilAsync(pod.Id, _ => true);
        Check.True(await Task.WhenAny(next, Task.Delay(1500)) != next, "something was told, or the stream has ended");
        await pod.RemoveAsync();
        Check.Equal(ContainerEventType.ContainerStoppedEvent, (await next)[^1].ContainerEventType);
    }

    private static async Task LeaveAsync(SpecContext cri)
    {
        using var stays = await EventReader.OpenAsync(cri);
        using (await EventReader.OpenAsync(cri))
        {
            // It leaves without a word.
        }
        var pod = await cri.RunPodAsync();
        await pod.RemoveAsync();
        await stays.ReadUntilAsync(pod.Id, message => IsDeleted(message, pod.Id));
    }

    private static bool IsDeleted(ContainerEventResponse message, string id) =>
        message.ContainerId == id && message.ContainerEventType == ContainerEventType.ContainerDeletedEvent;

    private static string Words(IEnumerable<ContainerEventResponse> told) => string.Join(' ', told.Select(message => Word(message.ContainerEventType)));

    private static string Word(ContainerEventType type) => type switch
    {
        ContainerEventType.ContainerCreatedEvent => "created",
        ContainerEventType.ContainerStartedEvent => "started",
        ContainerEventType.ContainerStoppedEvent => "stopped",
        _ => "deleted",
    };

    /// <summary>One open stream of events.</summary>
    private sealed class EventReader(AsyncServerStreamingCall<ContainerEventResponse> call) : IDisposable
    {
        public static async Task<EventReader> OpenAsync(SpecContext cri)
        {
            var call = cri.Runtime.GetContainerEvents(new GetEventsRequest());
            // A server that sends its headers with the first message is subscribed by then all the same, if not at once.
            await Task.WhenAny(call.ResponseHeadersAsync, Task.Delay(500));
            return new EventReader(call);
        }

        /// <summary>The events of that pod from now on, up to one that fits.</summary>
        public async Task<List<ContainerEventResponse>> ReadUntilAsync(string pod, Func<ContainerEventResponse, bool> isLast)
        {
            var told = new List<ContainerEventResponse>();
            using var limit = new CancellationTokenSource(_limit);
            while (await call.ResponseStream.MoveNext(limit.Token))
            {
                var message = call.ResponseStream.Current;
                if (message.PodSandboxStatus?.Id != pod)
                    continue;
                told.Add(message);
                if (isLast(message))
                    return told;
            }
            throw new SpecFailedException("the stream of events has ended");
        }

        public void Dispose() => call.Dispose();
    }
}
