using Gantry.Cri.Api;
using Gantry.Cri.Translation;
using Gantry.Faults;
using Gantry.Persistence;
using Gantry.Pods;
using Grpc.Core;

namespace Gantry.Cri;

public sealed partial class RuntimeService
{
    public override async Task<RunPodSandboxResponse> RunPodSandbox(RunPodSandboxRequest request, ServerCallContext context)
    {
        var spec = PodSpecFromCri.Translate(request.Config, request.RuntimeHandler);
        var id = await node.PodRunner.RunAsync(spec, context.CancellationToken);
        return new RunPodSandboxResponse { PodSandboxId = id.Value };
    }

    public override async Task<StopPodSandboxResponse> StopPodSandbox(StopPodSandboxRequest request, ServerCallContext context)
    {
        await node.PodStopper.StopAsync(request.PodSandboxId, context.CancellationToken);
        return new StopPodSandboxResponse();
    }

    public override async Task<RemovePodSandboxResponse> RemovePodSandbox(RemovePodSandboxRequest request, ServerCallContext context)
    {
        await node.PodRemover.RemoveAsync(request.PodSandboxId, context.CancellationToken);
        return new RemovePodSandboxResponse();
    }

    public override Task<PodSandboxStatusResponse> PodSandboxStatus(PodSandboxStatusRequest request, ServerCallContext context)
    {
        var pod = node.Pods.Get(request.PodSandboxId);
        // The time before the statuses: the kubelet's evented lifecycle takes them to be at least that new.
        var response = new PodSandboxStatusResponse { Timestamp = TimeProvider.System.Nanoseconds(), Status = StatusToCri.PodStatus(pod) };
        response.ContainersStatuses.Add(node.Containers.Of(pod.Id).Select(StatusToCri.ContainerStatus));
        if (request.Verbose)
            response.Info["info"] = VerboseInfo.Of(pod, pod.Pinned.Contains("net") ? node.Paths.PodNamespace(pod.Id, "net") : "");
        return Task.FromResult(response);
    }

    /// <summary>Kept and shown: the pod's cgroup is the kubelet's, which has changed it already. What is not given stays.</summary>
    public override Task<UpdatePodSandboxResourcesResponse> UpdatePodSandboxResources(UpdatePodSandboxResourcesRequest request, ServerCallContext context)
    {
        var pod = node.Pods.Get(request.PodSandboxId);
        var overhead = request.Overhead is null ? null : ResourcesFromCri.Translate(request.Overhead);
        var resources = request.Resources is null ? null : ResourcesFromCri.Translate(request.Resources);
        _ = node.Pods.Update(pod.Id, now => now with { Spec = now.Spec with { Overhead = overhead ?? now.Spec.Overhead, Resources = resources ?? now.Spec.Resources } })
            ?? throw new NotFoundException($"pod {request.PodSandboxId} was removed meanwhile");
        return Task.FromResult(new UpdatePodSandboxResourcesResponse());
    }

    /// <summary>ListPodSandbox, with a response that is encoded already.</summary>
    internal Task<EncodedList<ListPodSandboxResponse>> ListPodSandboxEncoded(ListPodSandboxRequest request) =>
        Task.FromResult(_podEntries.Of(node.Pods.All, request.Filter is { } filter ? pod => IsAsked(pod, filter) : null));

    private IEnumerable<PodRecord> Listed(PodSandboxFilter? filter) =>
        node.Pods.All.Where(pod => IsAsked(pod, filter));

    private static bool IsAsked(PodRecord pod, PodSandboxFilter? filter) =>
        !pod.Spec.IsLocal && (filter is null
            || (pod.Id.Value.StartsWith(filter.Id, StringComparison.Ordinal)
                && (filter.State is null || (filter.State.State is PodSandboxState.SandboxReady) == (pod.State is PodState.Ready))
                && HasLabels(pod.Spec.Labels, filter.LabelSelector)));

    private static bool HasLabels(IReadOnlyDictionary<string, string> labels, IDictionary<string, string> selector) =>
        selector.All(asked => labels.TryGetValue(asked.Key, out var value) && value == asked.Value);
}
