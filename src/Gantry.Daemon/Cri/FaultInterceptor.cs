using Gantry.Faults;
using Gantry.Linux;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Gantry.Cri;

/// <summary>The one place where an exception becomes a gRPC status, and where a failed call is logged.</summary>
public sealed class FaultInterceptor(Composition node, ILogger log) : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            CheckRecovered(context);
            LocalPodGuard.Check(node, request, context.RequestHeaders);
            return await continuation(request, context);
        }
        catch (Exception e)
        {
            throw Translate(e, context);
        }
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            CheckRecovered(context);
            LocalPodGuard.Check(node, request, context.RequestHeaders);
            await continuation(request, responseStream, context);
        }
        catch (Exception e)
        {
            throw Translate(e, context);
        }
    }

    public override async Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            CheckRecovered(context);
            return await continuation(requestStream, context);
        }
        catch (Exception e) when (e is not RpcException)
        {
            throw Translate(e, context);
        }
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
        NotSupportedException => new Status(StatusCode.Unimplemented, failure.Message),
        _ when Exhaustion.IsDisk(failure) => new Status(StatusCode.ResourceExhausted, $"{failure.Message}: free some space"),
        _ when Exhaustion.Is(failure) => new Status(StatusCode.ResourceExhausted, failure.Message),
        OperationCanceledException when callerLeft => new Status(StatusCode.Cancelled, "the caller left"),
        _ => new Status(StatusCode.Internal, failure.Message),
    };

    private void CheckRecovered(ServerCallContext context)
    {
        if (!node.IsRecovered && !context.Method.EndsWith("/Version", StringComparison.Ordinal) && context.Method.StartsWith("/runtime.v1.", StringComparison.Ordinal))
            throw new UnavailableException("gantryd is recovering the node's pods: try again in a moment");
        if (!node.IsRecovered && context.Method.StartsWith("/gantry.v1.", StringComparison.Ordinal))
            throw new UnavailableException("gantryd is recovering the node's pods: try again in a moment");
    }

    private RpcException Translate(Exception failure, ServerCallContext context)
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

    /// <summary>The generated base class says of a call that is not built only that it is not; here it has its name.</summary>
    private static RpcException Named(RpcException answer, string method) => answer is { StatusCode: StatusCode.Unimplemented, Status.Detail: "" }
        ? new RpcException(new Status(StatusCode.Unimplemented, $"{method[(method.LastIndexOf('/') + 1)..]} is not built into this version of gantry"))
        : answer;
}
