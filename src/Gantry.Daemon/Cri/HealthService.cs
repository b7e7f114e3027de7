using Gantry.Cri.Methods;
using Grpc.Core;
using Grpc.Health.V1;

namespace Gantry.Cri;

/// <summary>The gRPC health protocol: serving once the node is recovered, for the server as a whole and for each service.</summary>
public sealed class HealthService(Composition node, TimeProvider time, CancellationToken stopping) : Health.HealthBase
{
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(500);

    private static readonly HashSet<string> _services = ["", RuntimeMethods.Name, ImageMethods.Name, GantryMethods.Name, GantryImageMethods.Name];

    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context) => _services.Contains(request.Service)
        ? Task.FromResult(new HealthCheckResponse { Status = Now() })
        : throw new Faults.NotFoundException($"service '{request.Service}' is not one of this server");

    /// <summary>Tells the state now and whenever it changes, until the caller leaves.</summary>
    public override async Task Watch(HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        // The protocol asks for an answer, not an error: the service may come yet.
        var isKnown = _services.Contains(request.Service);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, stopping);
        using var timer = new PeriodicTimer(_interval, time);
        HealthCheckResponse.Types.ServingStatus? told = null;
        do
        {
            var status = isKnown ? Now() : HealthCheckResponse.Types.ServingStatus.ServiceUnknown;
            if (status != told)
                await responseStream.WriteAsync(new HealthCheckResponse { Status = status }, end.Token);
            told = status;
        }
        while (await timer.WaitForNextTickAsync(end.Token));
    }

    private HealthCheckResponse.Types.ServingStatus Now() =>
        node.IsRecovered ? HealthCheckResponse.Types.ServingStatus.Serving : HealthCheckResponse.Types.ServingStatus.NotServing;
}
