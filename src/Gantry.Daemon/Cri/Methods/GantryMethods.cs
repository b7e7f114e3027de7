using Grpc.AspNetCore.Server.Model;

namespace Gantry.Cri.Methods;

/// <summary>Gantry's own calls on the node and its local pods.</summary>
internal sealed class GantryMethods : IServiceMethodProvider<GantryService>
{
    /// <summary>As the .proto file has it: asking a descriptor brings those of the whole API into memory.</summary>
    internal const string Name = "gantry.v1.GantryService";

    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<GantryService> context)
    {
        var table = new MethodTable<GantryService>(context, Name);
        table.ServerStreaming("PullImage", Gantry.Api.PullImageRequest.Parser, Gantry.Api.PullProgress.Parser, static (service, request, answers, call) => service.PullImage(request, answers, call));
        table.ServerStreaming("RunPod", Gantry.Api.RunPodRequest.Parser, Gantry.Api.RunPodProgress.Parser, static (service, request, answers, call) => service.RunPod(request, answers, call));
        table.Unary("ListPods", Gantry.Api.ListPodsRequest.Parser, Gantry.Api.ListPodsResponse.Parser, static (service, request, call) => service.ListPods(request, call));
        table.Unary("StopPod", Gantry.Api.StopPodRequest.Parser, Gantry.Api.StopPodResponse.Parser, static (service, request, call) => service.StopPod(request, call));
        table.Unary("RemovePod", Gantry.Api.RemovePodRequest.Parser, Gantry.Api.RemovePodResponse.Parser, static (service, request, call) => service.RemovePod(request, call));
        table.ServerStreaming("WatchEvents", Gantry.Api.WatchEventsRequest.Parser, Api.ContainerEventResponse.Parser, static (service, request, answers, call) => service.WatchEvents(request, answers, call));
        table.Unary("DaemonStatus", Gantry.Api.DaemonStatusRequest.Parser, Gantry.Api.DaemonStatusResponse.Parser, static (service, request, call) => service.DaemonStatus(request, call));
    }
}

/// <summary>Gantry's own calls on images.</summary>
internal sealed class GantryImageMethods : IServiceMethodProvider<ImagesService>
{
    /// <summary>As the .proto file has it: asking a descriptor brings those of the whole API into memory.</summary>
    internal const string Name = "gantry.v1.GantryImages";

    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<ImagesService> context)
    {
        var table = new MethodTable<ImagesService>(context, Name);
        table.Unary("ExplainRegistry", Gantry.Api.ExplainRegistryRequest.Parser, Gantry.Api.ExplainRegistryResponse.Parser, static (service, request, call) => service.ExplainRegistry(request, call));
        table.Unary("ImageUsage", Gantry.Api.ImageUsageRequest.Parser, Gantry.Api.ImageUsageResponse.Parser, static (service, request, call) => service.ImageUsage(request, call));
        table.Unary("PruneImages", Gantry.Api.PruneImagesRequest.Parser, Gantry.Api.PruneImagesResponse.Parser, static (service, request, call) => service.PruneImages(request, call));
        table.Unary("PinImage", Gantry.Api.PinImageRequest.Parser, Gantry.Api.PinImageResponse.Parser, static (service, request, call) => service.PinImage(request, call));
        table.Unary("TagImage", Gantry.Api.TagImageRequest.Parser, Gantry.Api.TagImageResponse.Parser, static (service, request, call) => service.TagImage(request, call));
        table.ServerStreaming("CheckImages", Gantry.Api.CheckImagesRequest.Parser, Gantry.Api.CheckImagesProgress.Parser, static (service, request, answers, call) => service.CheckImages(request, answers, call));
        table.ClientStreaming("ImportImages", Gantry.Api.ImportImagesRequest.Parser, Gantry.Api.ImportImagesResponse.Parser, static (service, requests, call) => service.ImportImages(requests, call));
        table.ServerStreaming("ExportImages", Gantry.Api.ExportImagesRequest.Parser, Gantry.Api.ExportImagesChunk.Parser, static (service, request, answers, call) => service.ExportImages(request, answers, call));
        table.Unary("ListPulls", Gantry.Api.ListPullsRequest.Parser, Gantry.Api.ListPullsResponse.Parser, static (service, request, call) => service.ListPulls(request, call));
    }
}
