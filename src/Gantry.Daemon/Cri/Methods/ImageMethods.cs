using Grpc.AspNetCore.Server.Model;

namespace Gantry.Cri.Methods;

/// <summary>The CRI's ImageService, call by call.</summary>
internal static class ImageMethods
{
    /// <summary>As the .proto file has it: asking a descriptor brings those of the whole API into memory.</summary>
    internal const string Name = "runtime.v1.ImageService";

    public static void Add(ServiceMethodProviderContext<CallGate> context, ImageService service)
    {
        var table = new MethodTable(context, Name);
        table.Unary("ListImages", Api.ListImagesRequest.Parser, service.ListImages);
        table.ServerStreaming<Api.StreamImagesRequest, Api.StreamImagesResponse>("StreamImages", Api.StreamImagesRequest.Parser, service.StreamImages);
        table.Unary("ImageStatus", Api.ImageStatusRequest.Parser, service.ImageStatus);
        table.Unary("PullImage", Api.PullImageRequest.Parser, service.PullImage);
        table.Unary("RemoveImage", Api.RemoveImageRequest.Parser, service.RemoveImage);
        table.Unary("ImageFsInfo", Api.ImageFsInfoRequest.Parser, service.ImageFsInfo);
    }
}
