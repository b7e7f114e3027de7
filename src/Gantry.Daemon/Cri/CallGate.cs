using Gantry.Faults;
using Gantry.Linux;
using Google.Protobuf;
using Grpc.Core;

namespace Gantry.Cri;

/// <summary>
/// What every call passes: nothing is answered before the node is recovered, local pods are kept from the CRI's clients, and
/// this is the one place where an exception becomes a gRPC status, and where a failed call is logged.
/// </summary>
public sealed class CallGate(Composition node, ILogger log)
{
    /// <summary>Lets a call in.</summary>
    /// <param name="request">Null where a stream of them comes.</param>
    /// <exception cref="UnavailableException">The node is not recovered yet.</exception>
    /// <exception cref="NotFoundException">The request is about what is not the CRI's.</exception>
    public void Enter(IMessage? request, ServerCallContext context)
    {
        CheckRecovered(context);
        if (request is not null)
            LocalPodGuard.Check(node, request, context.RequestHeaders);
    }

    /// <summary>What the caller is told of a failure, which is logged where it is one of the node's.</summary>
    public RpcException Translate(Exception failure, ServerCallContext context)
    {
        if (failure is RpcException answer)
            return Named(answer, context.Method);
        var status = StatusOf(failure, context.CancellationToken.IsCancellationRequested);
        if (status.StatusCode is StatusCode.Internal && failure is not GantryException)
            log.CallBroke(context.Method, failure);
        else if (status.StatusCode is not (StatusCode.NotFound or StatusCode.Unavailable or StatusCode.Cancelled or StatusCode.Unimplemented))
            log.CallFailed(context.Method, status.StatusCode, status.Detail);
        return new RpcException(status);
    }

    /// <summary>The status and message for a failure.</summary>
    internal static Status StatusOf(Exception failure, bool callerLeft) => failure switch
    {
        NotFoundException => new Status(StatusCode.NotFound, failure.Message),
        AlreadyExistsException => new Status(StatusCode.AlreadyExists, failure.Message),
        InvalidRequestException => new Status(StatusCode.InvalidArgument, failure.Message),
        WrongStateException => new Status(StatusCode.FailedPrecondition, failure.Message),
        TimedOutException => new Status(StatusCode.DeadlineExceeded, failure.Message),
        ResourceExhaustedException => new Status(StatusCode.ResourceExhausted, failure.Message),
        UnavailableException => new Status(StatusCode.Unavailable, failure.Message),
        // The kubelet reads these four from the message's prefix, and only where the code is Unknown.
        RegistryUnavailableException => new Status(StatusCode.Unknown, $"RegistryUnavailable: {failure.Message}"),
        SignatureInvalidException => new Status(StatusCode.Unknown, $"SignatureValidationFailed: {failure.Message}"),
        ImageVolumeException => new Status(StatusCode.Unknown, $"ImageVolumeMountFailed: {failure.Message}"),
        RecursiveReadOnlyUnsupportedException => new Status(StatusCode.Unknown, $"RROUnsupported: {failure.Message}"),
        RegistryRefusedException => new Status(StatusCode.PermissionDenied, failure.Message),
        CorruptContentException => new Status(StatusCode.FailedPrecondition, failure.Message),
        ToolFailedException => new Status(StatusCode.Internal, failure.Message),
        _ when Exhaustion.IsDisk(failure) => new Status(StatusCode.ResourceExhausted, $"{failure.Message}: free some space"),
        _ when Exhaustion.Is(failure) => new Status(StatusCode.ResourceExhausted, failure.Message),
        OperationCanceledException when callerLeft => new Status(StatusCode.Cancelled, "the caller left"),
        _ => new Status(StatusCode.Internal, failure.Message),
    };

    /// <summary>Version, health and reflection say nothing of pods.</summary>
    private void CheckRecovered(ServerCallContext context)
    {
        if (!node.IsRecovered && IsAboutTheNode(context.Method))
            throw new UnavailableException("gantryd is recovering the node's pods: try again in a moment");
    }

    private static bool IsAboutTheNode(string method) =>
        method.StartsWith("/gantry.v1.", StringComparison.Ordinal)
        || (method.StartsWith("/runtime.v1.", StringComparison.Ordinal) && !method.EndsWith("/Version", StringComparison.Ordinal));

    /// <summary>The generated base class says of a call that is not built only that it is not; here it has its name.</summary>
    private static RpcException Named(RpcException answer, string method) => answer is { StatusCode: StatusCode.Unimplemented, Status.Detail: "" }
        ? new RpcException(new Status(StatusCode.Unimplemented, $"{method[(method.LastIndexOf('/') + 1)..]} is not built into this version of gantry"))
        : answer;
}
