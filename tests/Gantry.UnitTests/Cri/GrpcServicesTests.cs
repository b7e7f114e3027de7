using Gantry.Cri;
using Gantry.Cri.Methods;
using Google.Protobuf.Reflection;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Gantry.UnitTests.Cri;

/// <summary>The tables of calls are those of the .proto files: none is missing, and none is of another kind.</summary>
public sealed class GrpcServicesTests
{
    [Fact]
    public async Task EveryCallOfEveryService_IsServedAsItIsDescribed()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRoutingCore();
        GrpcServices.Add(builder.Services);
        await using var app = builder.Build();
        GrpcServices.Map(app);

        var served = ((IEndpointRouteBuilder)app).DataSources
            .SelectMany(source => source.Endpoints)
            .Select(endpoint => endpoint.Metadata.GetMetadata<GrpcMethodMetadata>()?.Method)
            .OfType<IMethod>()
            .Select(method => $"{method.FullName} {method.Type} {Types(method)}")
            .Order(StringComparer.Ordinal);

        var described = GrpcServices.Described.Append(Grpc.Reflection.V1Alpha.ServerReflection.Descriptor)
            .SelectMany(service => service.Methods)
            .Select(method => $"/{method.Service.FullName}/{method.Name} {Kind(method)} {method.InputType.ClrType.Name} {method.OutputType.ClrType.Name}")
            .Order(StringComparer.Ordinal);
        Assert.Equal(described, served);
    }

    private static string Types(IMethod method) => string.Join(' ', method.GetType().GetGenericArguments().Select(Name));

    private static string Name(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(EncodedList<>) ? type.GetGenericArguments()[0].Name : type.Name;

    private static MethodType Kind(MethodDescriptor method) => (method.IsClientStreaming, method.IsServerStreaming) switch
    {
        (false, false) => MethodType.Unary,
        (true, false) => MethodType.ClientStreaming,
        (false, true) => MethodType.ServerStreaming,
        _ => MethodType.DuplexStreaming,
    };
}
