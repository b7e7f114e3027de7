using Grpc.AspNetCore.Server.Model;
using Grpc.Health.V1;
using Grpc.Reflection;
using Grpc.Reflection.V1Alpha;

namespace Gantry.Cri.Methods;

/// <summary>gRPC's health protocol.</summary>
internal sealed class HealthMethods : IServiceMethodProvider<HealthService>
{
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<HealthService> context)
    {
        var table = new MethodTable<HealthService>(context, "grpc.health.v1.Health");
        table.Unary("Check", HealthCheckRequest.Parser, HealthCheckResponse.Parser, static (service, request, call) => service.Check(request, call));
        table.ServerStreaming("Watch", HealthCheckRequest.Parser, HealthCheckResponse.Parser, static (service, request, answers, call) => service.Watch(request, answers, call));
    }
}

/// <summary>gRPC's reflection.</summary>
internal sealed class ReflectionMethods : IServiceMethodProvider<ReflectionServiceImpl>
{
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<ReflectionServiceImpl> context)
    {
        var table = new MethodTable<ReflectionServiceImpl>(context, "grpc.reflection.v1alpha.ServerReflection");
        table.Duplex("ServerReflectionInfo", ServerReflectionRequest.Parser, ServerReflectionResponse.Parser, static (service, requests, answers, call) => service.ServerReflectionInfo(requests, answers, call));
    }
}
