using System.Text.Json.Nodes;
using Gantry.Containers;
using Gantry.Cri.Api;
using Gantry.Cri.Translation;
using Gantry.Faults;
using Gantry.Oci;
using Google.Protobuf;
using Grpc.Core;

namespace Gantry.Cri;

public sealed partial class RuntimeService
{
    public override async Task<CreateContainerResponse> CreateContainer(CreateContainerRequest request, ServerCallContext context)
    {
        var spec = ContainerSpecFromCri.Translate(request.Config);
        var id = await node.PodContainers.CreateAsync(request.PodSandboxId, spec, context.CancellationToken);
        return new CreateContainerResponse { ContainerId = id.Value };
    }

    public override async Task<StartContainerResponse> StartContainer(StartContainerRequest request, ServerCallContext context)
    {
        await node.Starter.StartAsync(request.ContainerId, context.CancellationToken);
        return new StartContainerResponse();
    }

    public override async Task<StopContainerResponse> StopContainer(StopContainerRequest request, ServerCallContext context)
    {
        var grace = request.Timeout > TimeSpan.MaxValue.TotalSeconds / 2 ? TimeSpan.FromDays(7) : TimeSpan.FromSeconds(Math.Max(0, request.Timeout));
        await node.Stopper.StopAsync(request.ContainerId, grace, context.CancellationToken);
        return new StopContainerResponse();
    }

    public override async Task<RemoveContainerResponse> RemoveContainer(RemoveContainerRequest request, ServerCallContext context)
    {
        await node.Remover.RemoveAsync(request.ContainerId, context.CancellationToken);
        return new RemoveContainerResponse();
    }

    public override Task<ContainerStatusResponse> ContainerStatus(ContainerStatusRequest request, ServerCallContext context)
    {
        var container = node.Containers.Get(request.ContainerId);
        var response = new ContainerStatusResponse { Status = StatusToCri.ContainerStatus(container) };
        if (request.Verbose)
            response.Info["info"] = VerboseInfo.Of(container, ReadSpec(container), node.Paths.ContainerRootfs(container.Id), node.Paths.ContainerUpper(container.Id));
        return Task.FromResult(response);
    }

    /// <summary>ListContainers, with a response that is encoded already.</summary>
    internal Task<EncodedList<ListContainersResponse>> ListContainersEncoded(ListContainersRequest request) =>
        Task.FromResult(_containerEntries.Of(node.Containers.All, request.Filter is { } filter ? container => IsAsked(container, filter) : null));

    private IEnumerable<ContainerRecord> Listed(ContainerFilter? filter) => NotLocal().Where(container => IsAsked(container, filter));

    /// <summary>The containers that lists tell of: those of local pods are no kubelet's business.</summary>
    private IEnumerable<ContainerRecord> NotLocal() => node.Containers.All.Where(container => !node.IsLocal(container));

    public override async Task<UpdateContainerResourcesResponse> UpdateContainerResources(UpdateContainerResourcesRequest request, ServerCallContext context)
    {
        await node.Updater.UpdateAsync(request.ContainerId, ResourcesFromCri.Translate(request.Linux), context.CancellationToken);
        return new UpdateContainerResourcesResponse();
    }

    public override async Task<ReopenContainerLogResponse> ReopenContainerLog(ReopenContainerLogRequest request, ServerCallContext context)
    {
        await node.Logs.ReopenAsync(request.ContainerId, context.CancellationToken);
        return new ReopenContainerLogResponse();
    }

    public override async Task<ExecSyncResponse> ExecSync(ExecSyncRequest request, ServerCallContext context)
    {
        if (request.Timeout < 0)
            throw new InvalidRequestException("timeout cannot be negative: 0 is none");
        TimeSpan? timeout = request.Timeout == 0 ? null : TimeSpan.FromSeconds(Math.Min(request.Timeout, 86400 * 7));
        var result = await node.Executor.ExecSyncAsync(request.ContainerId, [.. request.Cmd], timeout, context.CancellationToken);
        return new ExecSyncResponse
        {
            Stdout = UnsafeByteOperations.UnsafeWrap(result.Output),
            Stderr = UnsafeByteOperations.UnsafeWrap(result.ErrorOutput),
            ExitCode = result.ExitCode,
        };
    }

    private static bool IsAsked(ContainerRecord container, ContainerFilter? filter) =>
        filter is null
        || (container.Id.Value.StartsWith(filter.Id, StringComparison.Ordinal)
            && container.Pod.Value.StartsWith(filter.PodSandboxId, StringComparison.Ordinal)
            && (filter.State is null || filter.State.State == StatusToCri.State(container))
            && HasLabels(container.Spec.Labels, filter.LabelSelector));

    private JsonNode? ReadSpec(ContainerRecord container)
    {
        try
        {
            var spec = JsonNode.Parse(File.ReadAllText(Path.Combine(node.Paths.ContainerBundle(container.Id), "config.json")));
            SeccompFilters.Hide(spec);
            return spec;
        }
        catch (Exception e) when (e is IOException or System.Text.Json.JsonException)
        {
            return null;
        }
    }
}
