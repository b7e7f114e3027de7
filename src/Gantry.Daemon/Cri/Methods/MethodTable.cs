using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace Gantry.Cri.Methods;

/// <summary>
/// Adds a service's calls one by one. What the generated code has for it goes through a generic virtual method, which in a
/// program compiled ahead of time is put together at run time for each call: half of the daemon's start.
/// </summary>
/// <param name="context">Takes the calls.</param>
/// <param name="service">The service's full name in its .proto file.</param>
internal sealed class MethodTable<
    [DynamicallyAccessedMembers(
        DynamicallyAccessedMemberTypes.PublicConstructors | DynamicallyAccessedMemberTypes.PublicMethods | DynamicallyAccessedMemberTypes.NonPublicMethods)] TService>(ServiceMethodProviderContext<TService> context, string service)
    where TService : class
{
    private static readonly object[] _metadata = [new HttpMethodMetadata(["POST"])];

    public void Unary<TRequest, TResponse>(string name, MessageParser<TRequest> request, MessageParser<TResponse> response, UnaryServerMethod<TService, TRequest, TResponse> serve)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        context.AddUnaryMethod(Method(MethodType.Unary, name, request, response), _metadata, serve);

    public void ServerStreaming<TRequest, TResponse>(
        string name, MessageParser<TRequest> request, MessageParser<TResponse> response, ServerStreamingServerMethod<TService, TRequest, TResponse> serve)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        context.AddServerStreamingMethod(Method(MethodType.ServerStreaming, name, request, response), _metadata, serve);

    public void ClientStreaming<TRequest, TResponse>(
        string name, MessageParser<TRequest> request, MessageParser<TResponse> response, ClientStreamingServerMethod<TService, TRequest, TResponse> serve)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        context.AddClientStreamingMethod(Method(MethodType.ClientStreaming, name, request, response), _metadata, serve);

    public void Duplex<TRequest, TResponse>(
        string name, MessageParser<TRequest> request, MessageParser<TResponse> response, DuplexStreamingServerMethod<TService, TRequest, TResponse> serve)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        context.AddDuplexStreamingMethod(Method(MethodType.DuplexStreaming, name, request, response), _metadata, serve);

    private Method<TRequest, TResponse> Method<TRequest, TResponse>(MethodType type, string name, MessageParser<TRequest> request, MessageParser<TResponse> response)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        new(type, service, name, Marshaller(request), Marshaller(response));

    private static Marshaller<T> Marshaller<T>(MessageParser<T> parser)
        where T : class, IMessage<T> =>
        new(Write, payload => parser.ParseFrom(payload.PayloadAsReadOnlySequence()));

    private static void Write(IMessage message, SerializationContext context)
    {
        context.SetPayloadLength(message.CalculateSize());
        message.WriteTo(context.GetBufferWriter());
        context.Complete();
    }
}
