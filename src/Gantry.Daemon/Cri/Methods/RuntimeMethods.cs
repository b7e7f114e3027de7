using Grpc.AspNetCore.Server.Model;

namespace Gantry.Cri.Methods;

/// <summary>The CRI's RuntimeService, call by call.</summary>
internal static class RuntimeMethods
{
    /// <summary>As the .proto file has it: asking a descriptor brings those of the whole API into memory.</summary>
    internal const string Name = "runtime.v1.RuntimeService";

    public static void Add(ServiceMethodProviderContext<CallGate> context, RuntimeService service)
    {
        var table = new MethodTable(context, Name);
        table.Unary("Version", Api.VersionRequest.Parser, service.Version);
        table.Unary("RunPodSandbox", Api.RunPodSandboxRequest.Parser, service.RunPodSandbox);
        table.Unary("StopPodSandbox", Api.StopPodSandboxRequest.Parser, service.StopPodSandbox);
        table.Unary("RemovePodSandbox", Api.RemovePodSandboxRequest.Parser, service.RemovePodSandbox);
        table.Unary("PodSandboxStatus", Api.PodSandboxStatusRequest.Parser, service.PodSandboxStatus);
        table.Unary("ListPodSandbox", Api.ListPodSandboxRequest.Parser, (request, _) => service.ListPodSandboxEncoded(request));
        table.ServerStreaming<Api.StreamPodSandboxesRequest, Api.StreamPodSandboxesResponse>("StreamPodSandboxes", Api.StreamPodSandboxesRequest.Parser, service.StreamPodSandboxes);
        table.Unary("CreateContainer", Api.CreateContainerRequest.Parser, service.CreateContainer);
        table.Unary("StartContainer", Api.StartContainerRequest.Parser, service.StartContainer);
        table.Unary("StopContainer", Api.StopContainerRequest.Parser, service.StopContainer);
        table.Unary("RemoveContainer", Api.RemoveContainerRequest.Parser, service.RemoveContainer);
        table.Unary("ListContainers", Api.ListContainersRequest.Parser, (request, _) => service.ListContainersEncoded(request));
        table.ServerStreaming<Api.StreamContainersRequest, Api.StreamContainersResponse>("StreamContainers", Api.StreamContainersRequest.Parser, service.StreamContainers);
        table.Unary("ContainerStatus", Api.ContainerStatusRequest.Parser, service.ContainerStatus);
        table.Unary("UpdateContainerResources", Api.UpdateContainerResourcesRequest.Parser, service.UpdateContainerResources);
        table.Unary("ReopenContainerLog", Api.ReopenContainerLogRequest.Parser, service.ReopenContainerLog);
        table.Unary("ExecSync", Api.ExecSyncRequest.Parser, service.ExecSync);
        table.Unary("Exec", Api.ExecRequest.Parser, service.Exec);
        table.Unary("Attach", Api.AttachRequest.Parser, service.Attach);
        table.Unary("PortForward", Api.PortForwardRequest.Parser, service.PortForward);
        table.Unary("ContainerStats", Api.ContainerStatsRequest.Parser, service.ContainerStats);
        table.Unary("ListContainerStats", Api.ListContainerStatsRequest.Parser, service.ListContainerStats);
        table.ServerStreaming<Api.StreamContainerStatsRequest, Api.StreamContainerStatsResponse>("StreamContainerStats", Api.StreamContainerStatsRequest.Parser, service.StreamContainerStats);
        table.Unary("PodSandboxStats", Api.PodSandboxStatsRequest.Parser, service.PodSandboxStats);
        table.Unary("ListPodSandboxStats", Api.ListPodSandboxStatsRequest.Parser, service.ListPodSandboxStats);
        table.ServerStreaming<Api.StreamPodSandboxStatsRequest, Api.StreamPodSandboxStatsResponse>("StreamPodSandboxStats", Api.StreamPodSandboxStatsRequest.Parser, service.StreamPodSandboxStats);
        table.Unary("UpdateRuntimeConfig", Api.UpdateRuntimeConfigRequest.Parser, service.UpdateRuntimeConfig);
        table.Unary("Status", Api.StatusRequest.Parser, service.Status);
        table.Unary("CheckpointContainer", Api.CheckpointContainerRequest.Parser, service.CheckpointContainer);
        table.Unary("CheckpointPod", Api.CheckpointPodRequest.Parser, service.CheckpointPod);
        table.Unary("RestorePod", Api.RestorePodRequest.Parser, service.RestorePod);
        table.ServerStreaming<Api.GetEventsRequest, Api.ContainerEventResponse>("GetContainerEvents", Api.GetEventsRequest.Parser, service.GetContainerEvents);
        table.Unary("ListMetricDescriptors", Api.ListMetricDescriptorsRequest.Parser, service.ListMetricDescriptors);
        table.Unary("ListPodSandboxMetrics", Api.ListPodSandboxMetricsRequest.Parser, service.ListPodSandboxMetrics);
        table.ServerStreaming<Api.StreamPodSandboxMetricsRequest, Api.StreamPodSandboxMetricsResponse>("StreamPodSandboxMetrics", Api.StreamPodSandboxMetricsRequest.Parser, service.StreamPodSandboxMetrics);
        table.Unary("RuntimeConfig", Api.RuntimeConfigRequest.Parser, service.RuntimeConfig);
        table.Unary("UpdatePodSandboxResources", Api.UpdatePodSandboxResourcesRequest.Parser, service.UpdatePodSandboxResources);
    }
}
