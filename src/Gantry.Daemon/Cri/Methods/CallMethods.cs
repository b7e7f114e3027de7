using Grpc.AspNetCore.Server.Model;
using Grpc.Reflection;

namespace Gantry.Cri.Methods;

/// <summary>The calls of every service. To the framework they are one service's, for each has a share of its own in a daemon's start.</summary>
internal sealed class CallMethods(Composition node, ILogger log, CancellationToken stopping) : IServiceMethodProvider<CallGate>
{
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<CallGate> context)
    {
        RuntimeMethods.Add(context, new RuntimeService(node, log));
        ImageMethods.Add(context, new ImageService(node));
        GantryMethods.Add(context, new GantryService(node));
        GantryImageMethods.Add(context, new ImagesService(node));
        HealthMethods.Add(context, new HealthService(node, TimeProvider.System, stopping));
        // Made when somebody first asks: the descriptors of the whole API are most of a fresh heap.
        ReflectionMethods.Add(context, new Lazy<ReflectionServiceImpl>(() => new ReflectionServiceImpl(GrpcCalls.Described)));
    }
}
