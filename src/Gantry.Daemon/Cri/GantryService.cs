using System.Threading.Channels;
using Gantry.Api;
using Gantry.Images;
using Gantry.Images.Registry.Access;
using Gantry.Persistence;
using Gantry.Pods.Local;
using Grpc.Core;

namespace Gantry.Cri;

/// <summary>gantry.v1: what the CRI lacks.</summary>
public sealed class GantryService(Composition node) : Gantry.Api.GantryService.GantryServiceBase
{
    private readonly long _startedAt = TimeProvider.System.Nanoseconds();

    public override async Task PullImage(PullImageRequest request, IServerStreamWriter<Gantry.Api.PullProgress> responseStream, ServerCallContext context)
    {
        var reference = ImageReference.Parse(request.Image);
        var credentials = RegistryCredentials.From(request.Username, request.Password, "", "", "");
        var queue = Channel.CreateUnbounded<Gantry.Api.PullProgress>();
        async Task Pull()
        {
            try
            {
                var image = await node.Puller.PullAsync(reference, credentials, new Forward<Gantry.Images.Pulling.PullProgress>(progress => queue.Writer.TryWrite(Message(progress))), context.CancellationToken);
                queue.Writer.TryWrite(new Gantry.Api.PullProgress { Stage = "done", ImageId = image.Id.Value });
                queue.Writer.TryComplete();
            }
            catch (Exception e)
            {
                queue.Writer.TryComplete(e);
            }
        }
        await SendAsync(queue, Pull(), responseStream, context);
    }

    public override async Task RunPod(RunPodRequest request, IServerStreamWriter<RunPodProgress> responseStream, ServerCallContext context)
    {
        var queue = Channel.CreateUnbounded<RunPodProgress>();
        async Task Run()
        {
            try
            {
                var progress = new Forward<LocalPodProgress>(line => queue.Writer.TryWrite(
                    new RunPodProgress { Message = line.Message, Pull = line.Pull is { } pull ? Message(pull) : null }));
                var status = await node.Local.RunAsync(request.PodJson.Memory, request.Replace, progress, context.CancellationToken);
                queue.Writer.TryWrite(new RunPodProgress { Pod = Message(status) });
                queue.Writer.TryComplete();
            }
            catch (Exception e)
            {
                queue.Writer.TryComplete(e);
            }
        }
        await SendAsync(queue, Run(), responseStream, context);
    }

    public override Task<ListPodsResponse> ListPods(ListPodsRequest request, ServerCallContext context)
    {
        var response = new ListPodsResponse();
        response.Pods.Add(node.Local.List(request.IncludeCri).Select(Message));
        return Task.FromResult(response);
    }

    public override async Task<StopPodResponse> StopPod(StopPodRequest request, ServerCallContext context)
    {
        await node.Local.StopAsync(request.Pod, request.GraceSeconds < 0 ? null : TimeSpan.FromSeconds(Math.Min(request.GraceSeconds, 86400)), context.CancellationToken);
        return new StopPodResponse();
    }

    public override async Task<RemovePodResponse> RemovePod(RemovePodRequest request, ServerCallContext context)
    {
        await node.Local.RemoveAsync(request.Pod, request.Force, context.CancellationToken);
        return new RemovePodResponse();
    }

    public override Task WatchEvents(WatchEventsRequest request, IServerStreamWriter<Cri.Api.ContainerEventResponse> responseStream, ServerCallContext context) =>
        EventSender.RunAsync(node, withLocal: true, responseStream, context);

    public override async Task<DaemonStatusResponse> DaemonStatus(DaemonStatusRequest request, ServerCallContext context)
    {
        var network = await node.Network.CheckAsync();
        var response = new DaemonStatusResponse
        {
            Version = DaemonOptions.Version,
            Pid = Environment.ProcessId,
            StartedAtNanos = _startedAt,
            Root = node.Config.Root,
            State = node.Config.State,
            Socket = node.Config.Socket,
            DefaultHandler = node.Handlers.DefaultName,
            CgroupMode = node.Cgroups.Hierarchy.Mode.ToString(),
            CniConfDirectory = node.Config.CniConfDirectory,
            Pods = node.Pods.All.Length,
            Containers = node.Containers.All.Length,
            ContainersRunning = node.Containers.All.Count(container => container.State is Containers.ContainerState.Running),
            Images = node.Images.Count,
            MemoryRssBytes = Environment.WorkingSet,
        };
        response.Conditions.Add(new DaemonCondition { Name = "network", Ok = network.Ready, Message = network.Message });
        foreach (var (name, path) in node.Config.Handlers.Select(handler => (handler.Key, handler.Value.Path)))
            response.Conditions.Add(new DaemonCondition { Name = $"runtime {name}", Ok = File.Exists(path), Message = File.Exists(path) ? path : $"{path} is not installed" });
        var isHybrid = node.Cgroups.Hierarchy.Mode is Cgroups.CgroupMode.Hybrid;
        response.Conditions.Add(new DaemonCondition
        {
            Name = "cgroups",
            Ok = !isHybrid,
            Message = isHybrid
                ? "the hierarchy is hybrid, which crun refuses if its v2 side holds a controller: use runc, or start gantryd in a mount namespace without /sys/fs/cgroup/unified"
                : node.Cgroups.Hierarchy.Mode.ToString(),
        });
        return response;
    }

    /// <summary>Sends what is queued until the work is done; its failure is the call's.</summary>
    private static async Task SendAsync<T>(Channel<T> queue, Task work, IServerStreamWriter<T> stream, ServerCallContext context)
    {
        await foreach (var message in queue.Reader.ReadAllAsync(context.CancellationToken))
            await stream.WriteAsync(message, context.CancellationToken);
        await work;
    }

    private static Gantry.Api.PullProgress Message(Gantry.Images.Pulling.PullProgress progress)
    {
        var message = new Gantry.Api.PullProgress { Stage = progress.Stage };
        message.Layers.Add(progress.Layers.Select(layer => new Gantry.Api.LayerProgress { Digest = layer.Digest.Value, State = layer.State, BytesDone = layer.Done, BytesTotal = layer.Total }));
        return message;
    }

    private static LocalPod Message(LocalPodStatus status)
    {
        var pod = status.Pod;
        var message = new LocalPod
        {
            Id = pod.Id.Value,
            Name = pod.Spec.Name,
            Namespace = pod.Spec.Namespace,
            Uid = pod.Spec.Uid,
            Phase = status.Phase,
            CreatedAtNanos = pod.CreatedAt,
            Local = pod.Spec.IsLocal,
        };
        message.Addresses.Add(pod.Addresses);
        foreach (var container in status.Containers)
        {
            var record = container.Record;
            message.Containers.Add(new LocalContainer
            {
                Id = record?.Id.Value ?? "",
                Name = container.Name,
                Image = container.Image,
                State = container.WaitingReason.Length > 0 && record?.State is not Containers.ContainerState.Running ? "Waiting" : record?.State.ToString() ?? "Waiting",
                ExitCode = record?.End?.Code ?? 0,
                Reason = container.WaitingReason.Length > 0 ? container.WaitingReason : record?.End?.Reason ?? "",
                Message = record?.End?.Message ?? "",
                Restarts = (int)(record?.Spec.Attempt ?? 0),
                StartedAtNanos = record?.StartedAt ?? 0,
                FinishedAtNanos = record?.End?.FinishedAt ?? 0,
                LogPath = record?.LogPath ?? "",
            });
        }
        return message;
    }

    private sealed class Forward<T>(Action<T> forward) : IProgress<T>
    {
        public void Report(T value) => forward(value);
    }
}
