using Grpc.AspNetCore.Server.Model;

namespace Gantry.Cri.Methods;

/// <summary>Gantry's own calls on the node and its local pods.</summary>
internal static class GantryMethods
{
    /// <summary>As the .proto file has it: asking a descriptor brings those of the whole API into memory.</summary>
    internal const string Name = "gantry.v1.GantryService";

    public static void Add(ServiceMethodProviderContext<CallGate> context, GantryService service)
    {
        var table = new MethodTable(context, Name);
        table.ServerStreaming<Gantry.Api.PullImageRequest, Gantry.Api.PullProgress>("PullImage", Gantry.Api.PullImageRequest.Parser, service.PullImage);
        table.ServerStreaming<Gantry.Api.RunPodRequest, Gantry.Api.RunPodProgress>("RunPod", Gantry.Api.RunPodRequest.Parser, service.RunPod);
        table.Unary("ListPods", Gantry.Api.ListPodsRequest.Parser, service.ListPods);
        table.Unary("StopPod", Gantry.Api.StopPodRequest.Parser, service.StopPod);
        table.Unary("RemovePod", Gantry.Api.RemovePodRequest.Parser, service.RemovePod);
        table.ServerStreaming<Gantry.Api.WatchEventsRequest, Api.ContainerEventResponse>("WatchEvents", Gantry.Api.WatchEventsRequest.Parser, service.WatchEvents);
        table.Unary("DaemonStatus", Gantry.Api.DaemonStatusRequest.Parser, service.DaemonStatus);
    }
}

/// <summary>Gantry's own calls on images.</summary>
internal static class GantryImageMethods
{
    /// <summary>As the .proto file has it: asking a descriptor brings those of the whole API into memory.</summary>
    internal const string Name = "gantry.v1.GantryImages";

    public static void Add(ServiceMethodProviderContext<CallGate> context, ImagesService service)
    {
        var table = new MethodTable(context, Name);
        table.Unary("ExplainRegistry", Gantry.Api.ExplainRegistryRequest.Parser, service.ExplainRegistry);
        table.Unary("ImageUsage", Gantry.Api.ImageUsageRequest.Parser, service.ImageUsage);
        table.Unary("PruneImages", Gantry.Api.PruneImagesRequest.Parser, service.PruneImages);
        table.Unary("PinImage", Gantry.Api.PinImageRequest.Parser, service.PinImage);
        table.Unary("TagImage", Gantry.Api.TagImageRequest.Parser, service.TagImage);
        table.ServerStreaming<Gantry.Api.CheckImagesRequest, Gantry.Api.CheckImagesProgress>("CheckImages", Gantry.Api.CheckImagesRequest.Parser, service.CheckImages);
        table.ClientStreaming("ImportImages", Gantry.Api.ImportImagesRequest.Parser, service.ImportImages);
        table.ServerStreaming<Gantry.Api.ExportImagesRequest, Gantry.Api.ExportImagesChunk>("ExportImages", Gantry.Api.ExportImagesRequest.Parser, service.ExportImages);
        table.Unary("ListPulls", Gantry.Api.ListPullsRequest.Parser, service.ListPulls);
    }
}
