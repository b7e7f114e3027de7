using Gantry.Configuration;
using Gantry.Cri;
using Gantry.Cri.Methods;
using Google.Protobuf.Reflection;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Gantry.UnitTests.Cri;

/// <summary>The tables of calls are those of the .proto files: none is missing, and none is of another kind.</summary>
public sealed class GrpcCallsTests
{
    [Fact]
    public void EveryCallOfEveryService_IsServedAsItIsDescribed()
    {
        var served = Calls().Endpoints.Select(Described).Order(StringComparer.Ordinal);

        var described = GrpcCalls.Described.Append(Grpc.Reflection.V1Alpha.ServerReflection.Descriptor)
            .SelectMany(service => service.Methods)
            .Select(method => $"/{method.Service.FullName}/{method.Name} {Kind(method)} {method.InputType.ClrType.Name} {method.OutputType.ClrType.Name}")
            .Order(StringComparer.Ordinal);
        Assert.Equal(described, served);
    }

    [Fact]
    public async Task ServeAsync_ACallThatThereIsNot_IsUnimplementedByName()
    {
        var context = new DefaultHttpContext();
        (context.Request.Method, context.Request.Path) = ("POST", "/runtime.v1.RuntimeService/Vérsion");

        await Calls().ServeAsync(context);

        Assert.Equal((200, "application/grpc"), (context.Response.StatusCode, context.Response.ContentType));
        Assert.Equal("12", context.Response.Headers["grpc-status"]);
        Assert.Equal("/runtime.v1.RuntimeService/Vérsion is no call of this version of gantry", Uri.UnescapeDataString(context.Response.Headers["grpc-message"]!));
    }

    [Fact]
    public async Task ServeAsync_WhatIsNotPosted_IsRefused()
    {
        var context = new DefaultHttpContext();
        (context.Request.Method, context.Request.Path) = ("GET", "/runtime.v1.RuntimeService/Version");

        await Calls().ServeAsync(context);

        Assert.Equal(405, context.Response.StatusCode);
        Assert.Equal("POST", context.Response.Headers.Allow);
    }

    private static GrpcCalls Calls()
    {
        var nowhere = new GantryConfig { Root = "/nonexistent/root", State = "/nonexistent/state" };
        return new GrpcCalls(new Composition(nowhere, NullLogger.Instance), NullLogger.Instance, CancellationToken.None);
    }

    private static string Described(RouteEndpoint endpoint)
    {
        var method = endpoint.Metadata.GetRequiredMetadata<GrpcMethodMetadata>().Method;
        var types = endpoint.Metadata.GetRequiredMetadata<MessageTypes>();
        return $"{method.FullName} {method.Type} {Name(types.Request)} {Name(types.Response)}";
    }

    private static string Name(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(EncodedList<>) ? type.GetGenericArguments()[0].Name : type.Name;

    private static MethodType Kind(MethodDescriptor method) => (method.IsClientStreaming, method.IsServerStreaming) switch
    {
        (false, false) => MethodType.Unary,
        (true, false) => MethodType.ClientStreaming,
        (false, true) => MethodType.ServerStreaming,
        _ => MethodType.DuplexStreaming,
    };
}
