using Grpc.AspNetCore.Server.Model;
using Grpc.Reflection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Gantry.Cri.Methods;

/// <summary>The gRPC services of the daemon's socket.</summary>
public static class GrpcServices
{
    private const int MaxMessage = 16 << 20;

    /// <summary>Adds the services and their calls.</summary>
    public static void Add(IServiceCollection services)
    {
        services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = MaxMessage;
            grpc.MaxSendMessageSize = MaxMessage;
            grpc.Interceptors.Add<FaultInterceptor>();
        });
        services.RemoveAll(typeof(IServiceMethodProvider<>));
        services.AddSingleton<RuntimeService>().AddSingleton<IServiceMethodProvider<RuntimeService>, RuntimeMethods>();
        services.AddSingleton<ImageService>().AddSingleton<IServiceMethodProvider<ImageService>, ImageMethods>();
        services.AddSingleton<GantryService>().AddSingleton<IServiceMethodProvider<GantryService>, GantryMethods>();
        services.AddSingleton<ImagesService>().AddSingleton<IServiceMethodProvider<ImagesService>, GantryImageMethods>();
        services.AddSingleton<HealthService>().AddSingleton<IServiceMethodProvider<HealthService>, HealthMethods>();
        // Made when somebody first asks: the descriptors of the whole API are most of a fresh heap.
        services.AddSingleton(_ => new ReflectionServiceImpl(Described)).AddSingleton<IServiceMethodProvider<ReflectionServiceImpl>, ReflectionMethods>();
    }

    /// <summary>Maps them to paths.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGrpcService<RuntimeService>();
        routes.MapGrpcService<ImageService>();
        routes.MapGrpcService<GantryService>();
        routes.MapGrpcService<ImagesService>();
        routes.MapGrpcService<HealthService>();
        routes.MapGrpcService<ReflectionServiceImpl>();
    }

    /// <summary>What reflection tells of.</summary>
    internal static Google.Protobuf.Reflection.ServiceDescriptor[] Described =>
    [
        Api.RuntimeService.Descriptor, Api.ImageService.Descriptor, Gantry.Api.GantryService.Descriptor, Gantry.Api.GantryImages.Descriptor, Grpc.Health.V1.Health.Descriptor,
    ];
}
