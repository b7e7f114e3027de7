using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gantry.Cri.Methods;

/// <summary>
/// Every call of the daemon's socket, by its path. The framework makes each; finding it by an exact path needs none of the
/// framework's routing.
/// </summary>
public sealed class GrpcCalls : IEndpointRouteBuilder
{
    private const int MaxMessage = 16 << 20;
    private readonly Dictionary<string, RequestDelegate> _calls;

    /// <param name="stopping">Ends what would wait for ever.</param>
    public GrpcCalls(Composition node, ILogger log, CancellationToken stopping)
    {
        var services = new ServiceCollection();
        services.AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance);
        services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = MaxMessage;
            grpc.MaxSendMessageSize = MaxMessage;
        });
        services.RemoveAll(typeof(IServiceMethodProvider<>));
        services.AddSingleton(new CallGate(node, log)).AddSingleton<IServiceMethodProvider<CallGate>>(new CallMethods(node, log, stopping));
        ServiceProvider = services.BuildServiceProvider();
        this.MapGrpcService<CallGate>();
        _calls = Endpoints.ToDictionary(endpoint => endpoint.RoutePattern.RawText!, endpoint => endpoint.RequestDelegate!, StringComparer.Ordinal);
    }

    public IServiceProvider ServiceProvider { get; }

    public ICollection<EndpointDataSource> DataSources { get; } = [];

    /// <summary>The calls as the framework describes them.</summary>
    internal IEnumerable<RouteEndpoint> Endpoints => DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>().Where(endpoint => endpoint.Metadata.GetMetadata<MessageTypes>() is not null);

    /// <summary>What reflection tells of. Not asked of the generated services: those bring clients with them.</summary>
    internal static Google.Protobuf.Reflection.ServiceDescriptor[] Described =>
    [
        .. Api.ApiReflection.Descriptor.Services, .. Gantry.Api.GantryReflection.Descriptor.Services, .. Gantry.Api.GantryImagesReflection.Descriptor.Services,
        .. Grpc.Health.V1.HealthReflection.Descriptor.Services,
    ];

    /// <summary>Answers one request.</summary>
    public Task ServeAsync(HttpContext context)
    {
        context.RequestServices = ServiceProvider;
        var path = context.Request.Path.Value ?? "";
        if (!HttpMethods.IsPost(context.Request.Method))
        {
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            context.Response.Headers.Allow = HttpMethods.Post;
            return Task.CompletedTask;
        }
        return _calls.TryGetValue(path, out var call) ? call(context) : Unknown(context, path);
    }

    IApplicationBuilder IEndpointRouteBuilder.CreateApplicationBuilder() => throw new NotSupportedException();

    /// <summary>An answer of trailers alone, as gRPC's protocol over HTTP/2 has it.</summary>
    private static Task Unknown(HttpContext context, string path)
    {
        context.Response.ContentType = "application/grpc";
        context.Response.Headers["grpc-status"] = ((int)StatusCode.Unimplemented).ToString(System.Globalization.CultureInfo.InvariantCulture);
        context.Response.Headers["grpc-message"] = Uri.EscapeDataString($"{path} is no call of this version of gantry");
        return Task.CompletedTask;
    }
}
