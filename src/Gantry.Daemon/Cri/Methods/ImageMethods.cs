using Grpc.AspNetCore.Server.Model;

namespace Gantry.Cri.Methods;

/// <summary>The CRI's ImageService, call by call.</summary>
internal sealed class ImageMethods : IServiceMethodProvider<ImageService>
{
    /// <summary>As the .proto file has it: asking a descriptor brings those of the whole API into memory.</summary>
    internal const string Name = "runtime.v1.ImageService";

    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<ImageService> context)
    {
        var table = new MethodTable<ImageService>(context, Name);
        table.Unary("ListImages", Api.ListImagesRequest.Parser, Api.ListImagesResponse.Parser, static (service, request, call) => service.ListImages(request, call));
        table.ServerStreaming("StreamImages", Api.StreamImagesRequest.Parser, Api.StreamImagesResponse.Parser, static (service, request, answers, call) => service.StreamImages(request, answers, call));
        table.Unary("ImageStatus", Api.ImageStatusRequest.Parser, Api.ImageStatusResponse.Parser, static (service, request, call) => service.ImageStatus(request, call));
        table.Unary("PullImage", Api.PullImageRequest.Parser, Api.PullImageResponse.Parser, static (service, request, call) => service.PullImage(request, call));
        table.Unary("RemoveImage", Api.RemoveImageRequest.Parser, Api.RemoveImageResponse.Parser, static (service, request, call) => service.RemoveImage(request, call));
        table.Unary("ImageFsInfo", Api.ImageFsInfoRequest.Parser, Api.ImageFsInfoResponse.Parser, static (service, request, call) => service.ImageFsInfo(request, call));
    }
}
