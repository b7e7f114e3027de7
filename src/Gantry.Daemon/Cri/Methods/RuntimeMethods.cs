using Grpc.AspNetCore.Server.Model;

namespace Gantry.Cri.Methods;

/// <summary>The CRI's RuntimeService, call by call.</summary>
internal sealed class RuntimeMethods : IServiceMethodProvider<RuntimeService>
{
    /// <summary>As the .proto file has it: asking a descriptor brings those of the whole API into memory.</summary>
    internal const string Name = "runtime.v1.RuntimeService";

    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<RuntimeService> context)
    {
        var table = new MethodTable<RuntimeService>(context, Name);
        table.Unary("Version", Api.VersionRequest.Parser, Api.VersionResponse.Parser, static (service, request, call) => service.Version(request, call));
        table.Unary("RunPodSandbox", Api.RunPodSandboxRequest.Parser, Api.RunPodSandboxResponse.Parser, static (service, request, call) => service.RunPodSandbox(request, call));
        table.Unary("StopPodSandbox", Api.StopPodSandboxRequest.Parser, Api.StopPodSandboxResponse.Parser, static (service, request, call) => service.StopPodSandbox(request, call));
        table.Unary("RemovePodSandbox", Api.RemovePodSandboxRequest.Parser, Api.RemovePodSandboxResponse.Parser, static (service, request, call) => service.RemovePodSandbox(request, call));
        table.Unary("PodSandboxStatus", Api.PodSandboxStatusRequest.Parser, Api.PodSandboxStatusResponse.Parser, static (service, request, call) => service.PodSandboxStatus(request, call));
        table.Unary("ListPodSandbox", Api.ListPodSandboxRequest.Parser, EncodedList<Api.ListPodSandboxResponse>.Parser, static (service, request, _) => service.ListPodSandboxEncoded(request));
        table.ServerStreaming("StreamPodSandboxes", Api.StreamPodSandboxesRequest.Parser, Api.StreamPodSandboxesResponse.Parser, static (service, request, answers, call) => service.StreamPodSandboxes(request, answers, call));
        table.Unary("CreateContainer", Api.CreateContainerRequest.Parser, Api.CreateContainerResponse.Parser, static (service, request, call) => service.CreateContainer(request, call));
        table.Unary("StartContainer", Api.StartContainerRequest.Parser, Api.StartContainerResponse.Parser, static (service, request, call) => service.StartContainer(request, call));
        table.Unary("StopContainer", Api.StopContainerRequest.Parser, Api.StopContainerResponse.Parser, static (service, request, call) => service.StopContainer(request, call));
        table.Unary("RemoveContainer", Api.RemoveContainerRequest.Parser, Api.RemoveContainerResponse.Parser, static (service, request, call) => service.RemoveContainer(request, call));
        table.Unary("ListContainers", Api.ListContainersRequest.Parser, EncodedList<Api.ListContainersResponse>.Parser, static (service, request, _) => service.ListContainersEncoded(request));
        table.ServerStreaming("StreamContainers", Api.StreamContainersRequest.Parser, Api.StreamContainersResponse.Parser, static (service, request, answers, call) => service.StreamContainers(request, answers, call));
        table.Unary("ContainerStatus", Api.ContainerStatusRequest.Parser, Api.ContainerStatusResponse.Parser, static (service, request, call) => service.ContainerStatus(request, call));
        table.Unary("UpdateContainerResources", Api.UpdateContainerResourcesRequest.Parser, Api.UpdateContainerResourcesResponse.Parser, static (service, request, call) => service.UpdateContainerResources(request, call));
        table.Unary("ReopenContainerLog", Api.ReopenContainerLogRequest.Parser, Api.ReopenContainerLogResponse.Parser, static (service, request, call) => service.ReopenContainerLog(request, call));
        table.Unary("ExecSync", Api.ExecSyncRequest.Parser, Api.ExecSyncResponse.Parser, static (service, request, call) => service.ExecSync(request, call));
        table.Unary("Exec", Api.ExecRequest.Parser, Api.ExecResponse.Parser, static (service, request, call) => service.Exec(request, call));
        table.Unary("Attach", Api.AttachRequest.Parser, Api.AttachResponse.Parser, static (service, request, call) => service.Attach(request, call));
        table.Unary("PortForward", Api.PortForwardRequest.Parser, Api.PortForwardResponse.Parser, static (service, request, call) => service.PortForward(request, call));
        table.Unary("ContainerStats", Api.ContainerStatsRequest.Parser, Api.ContainerStatsResponse.Parser, static (service, request, call) => service.ContainerStats(request, call));
        table.Unary("ListContainerStats", Api.ListContainerStatsRequest.Parser, Api.ListContainerStatsResponse.Parser, static (service, request, call) => service.ListContainerStats(request, call));
        table.ServerStreaming("StreamContainerStats", Api.StreamContainerStatsRequest.Parser, Api.StreamContainerStatsResponse.Parser, static (service, request, answers, call) => service.StreamContainerStats(request, answers, call));
        table.Unary("PodSandboxStats", Api.PodSandboxStatsRequest.Parser, Api.PodSandboxStatsResponse.Parser, static (service, request, call) => service.PodSandboxStats(request, call));
        table.Unary("ListPodSandboxStats", Api.ListPodSandboxStatsRequest.Parser, Api.ListPodSandboxStatsResponse.Parser, static (service, request, call) => service.ListPodSandboxStats(request, call));
        table.ServerStreaming("StreamPodSandboxStats", Api.StreamPodSandboxStatsRequest.Parser, Api.StreamPodSandboxStatsResponse.Parser, static (service, request, answers, call) => service.StreamPodSandboxStats(request, answers, call));
        table.Unary("UpdateRuntimeConfig", Api.UpdateRuntimeConfigRequest.Parser, Api.UpdateRuntimeConfigResponse.Parser, static (service, request, call) => service.UpdateRuntimeConfig(request, call));
        table.Unary("Status", Api.StatusRequest.Parser, Api.StatusResponse.Parser, static (service, request, call) => service.Status(request, call));
        table.Unary("CheckpointContainer", Api.CheckpointContainerRequest.Parser, Api.CheckpointContainerResponse.Parser, static (service, request, call) => service.CheckpointContainer(request, call));
        table.Unary("CheckpointPod", Api.CheckpointPodRequest.Parser, Api.CheckpointPodResponse.Parser, static (service, request, call) => service.CheckpointPod(request, call));
        table.Unary("RestorePod", Api.RestorePodRequest.Parser, Api.RestorePodResponse.Parser, static (service, request, call) => service.RestorePod(request, call));
        table.ServerStreaming("GetContainerEvents", Api.GetEventsRequest.Parser, Api.ContainerEventResponse.Parser, static (service, request, answers, call) => service.GetContainerEvents(request, answers, call));
        table.Unary("ListMetricDescriptors", Api.ListMetricDescriptorsRequest.Parser, Api.ListMetricDescriptorsResponse.Parser, static (service, request, call) => service.ListMetricDescriptors(request, call));
        table.Unary("ListPodSandboxMetrics", Api.ListPodSandboxMetricsRequest.Parser, Api.ListPodSandboxMetricsResponse.Parser, static (service, request, call) => service.ListPodSandboxMetrics(request, call));
        table.ServerStreaming("StreamPodSandboxMetrics", Api.StreamPodSandboxMetricsRequest.Parser, Api.StreamPodSandboxMetricsResponse.Parser, static (service, request, answers, call) => service.StreamPodSandboxMetrics(request, answers, call));
        table.Unary("RuntimeConfig", Api.RuntimeConfigRequest.Parser, Api.RuntimeConfigResponse.Parser, static (service, request, call) => service.RuntimeConfig(request, call));
        table.Unary("UpdatePodSandboxResources", Api.UpdatePodSandboxResourcesRequest.Parser, Api.UpdatePodSandboxResourcesResponse.Parser, static (service, request, call) => service.UpdatePodSandboxResources(request, call));
    }
}
