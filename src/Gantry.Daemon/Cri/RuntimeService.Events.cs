using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Cri;

public sealed partial class RuntimeService
{
    public override Task GetContainerEvents(GetEventsRequest request, IServerStreamWriter<ContainerEventResponse> responseStream, ServerCallContext context) =>
        EventSender.RunAsync(node, withLocal: false, responseStream, context);
}
