using Grpc.Core;
using Grpc.Health.V1;

namespace Gantry.Cri;

/// <summary>The gRPC health protocol: serving once the node is recovered.</summary>
public sealed class HealthService(Composition node) : Health.HealthBase
{
    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context) => Task.FromResult(new HealthCheckResponse
    {
        Status = node.IsRecovered ? HealthCheckResponse.Types.ServingStatus.Serving : HealthCheckResponse.Types.ServingStatus.NotServing,
    });
}
