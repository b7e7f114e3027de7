using Grpc.AspNetCore.Server.Model;
using Grpc.Health.V1;
using Grpc.Reflection;
using Grpc.Reflection.V1Alpha;

namespace Gantry.Cri.Methods;

/// <summary>gRPC's health protocol.</summary>
internal static class HealthMethods
{
    public static void Add(ServiceMethodProviderContext<CallGate> context, HealthService service)
    {
        var table = new MethodTable(context, "grpc.health.v1.Health");
        table.Unary("Check", HealthCheckRequest.Parser, service.Check);
        table.ServerStreaming<HealthCheckRequest, HealthCheckResponse>("Watch", HealthCheckRequest.Parser, service.Watch);
    }
}

/// <summary>gRPC's reflection.</summary>
internal static class ReflectionMethods
{
    public static void Add(ServiceMethodProviderContext<CallGate> context, Lazy<ReflectionServiceImpl> service)
    {
        var table = new MethodTable(context, "grpc.reflection.v1alpha.ServerReflection");
        table.Duplex<ServerReflectionRequest, ServerReflectionResponse>(
            "ServerReflectionInfo", ServerReflectionRequest.Parser, (requests, answers, call) => service.Value.ServerReflectionInfo(requests, answers, call));
    }
}
