using Google.Protobuf;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace Gantry.Cri.Methods;

/// <summary>
/// Adds a service's calls one by one. To the framework all calls are of one type, of a message answered by a message: one
/// that it has a type for is, with each of its own, tables and code in memory, and time at the start. The types that a call
/// has in its .proto file are known here alone.
/// </summary>
/// <param name="context">Takes the calls.</param>
/// <param name="service">The service's full name in its .proto file.</param>
internal sealed class MethodTable(ServiceMethodProviderContext<CallGate> context, string service)
{
    private static readonly HttpMethodMetadata _post = new(["POST"]);
    private static readonly Marshaller<IMessage> _answers = new(Write, static _ => throw new NotSupportedException("an answer is sent, and never read"));

    public void Unary<TRequest, TResponse>(string name, MessageParser<TRequest> parser, Func<TRequest, ServerCallContext, Task<TResponse>> serve)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage =>
        context.AddUnaryMethod<IMessage, IMessage>(Method(MethodType.Unary, name, parser), Metadata<TRequest, TResponse>(), async (gate, request, call) =>
        {
            try
            {
                gate.Enter(request, call);
                return await serve((TRequest)request, call);
            }
            catch (Exception e)
            {
                throw gate.Translate(e, call);
            }
        });

    public void ServerStreaming<TRequest, TResponse>(string name, MessageParser<TRequest> parser, Func<TRequest, IServerStreamWriter<TResponse>, ServerCallContext, Task> serve)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage =>
        context.AddServerStreamingMethod(Method(MethodType.ServerStreaming, name, parser), Metadata<TRequest, TResponse>(), async (gate, request, answers, call) =>
        {
            try
            {
                gate.Enter(request, call);
                await serve((TRequest)request, answers, call);
            }
            catch (Exception e)
            {
                throw gate.Translate(e, call);
            }
        });

    public void ClientStreaming<TRequest, TResponse>(string name, MessageParser<TRequest> parser, Func<IAsyncStreamReader<TRequest>, ServerCallContext, Task<TResponse>> serve)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage =>
        context.AddClientStreamingMethod<IMessage, IMessage>(Method(MethodType.ClientStreaming, name, parser), Metadata<TRequest, TResponse>(), async (gate, requests, call) =>
        {
            try
            {
                gate.Enter(null, call);
                return await serve(new Requests<TRequest>(requests), call);
            }
            catch (Exception e)
            {
                throw gate.Translate(e, call);
            }
        });

    public void Duplex<TRequest, TResponse>(
        string name, MessageParser<TRequest> parser, Func<IAsyncStreamReader<TRequest>, IServerStreamWriter<TResponse>, ServerCallContext, Task> serve)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage =>
        context.AddDuplexStreamingMethod(Method(MethodType.DuplexStreaming, name, parser), Metadata<TRequest, TResponse>(), async (gate, requests, answers, call) =>
        {
            try
            {
                gate.Enter(null, call);
                await serve(new Requests<TRequest>(requests), answers, call);
            }
            catch (Exception e)
            {
                throw gate.Translate(e, call);
            }
        });

    private static object[] Metadata<TRequest, TResponse>() => [_post, new MessageTypes(typeof(TRequest), typeof(TResponse))];

    private Method<IMessage, IMessage> Method(MethodType type, string name, MessageParser parser) =>
        new(type, service, name, new Marshaller<IMessage>(Write, payload => parser.ParseFrom(payload.PayloadAsReadOnlySequence())), _answers);

    private static void Write(IMessage message, SerializationContext context)
    {
        context.SetPayloadLength(message.CalculateSize());
        message.WriteTo(context.GetBufferWriter());
        context.Complete();
    }

    private sealed class Requests<T>(IAsyncStreamReader<IMessage> messages) : IAsyncStreamReader<T>
        where T : class, IMessage
    {
        public T Current => (T)messages.Current;

        public Task<bool> MoveNext(CancellationToken cancellationToken) => messages.MoveNext(cancellationToken);
    }
}

/// <summary>A call's types, as metadata of its endpoint.</summary>
internal sealed record MessageTypes(Type Request, Type Response);
