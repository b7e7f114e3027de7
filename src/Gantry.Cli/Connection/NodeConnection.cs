using System.Net.Sockets;
using Gantry.Api;
using Gantry.Cri.Api;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;

namespace Gantry.Cli.Connection;

/// <summary>The clients of one CRI server, on one connection that is made at the first call.</summary>
internal sealed class NodeConnection : IDisposable
{
    /// <summary>Above the 16 MiB that a kubelet takes, so that a node with many pods can still be looked into.</summary>
    private const int MaxMessageBytes = 64 << 20;

    private readonly GrpcChannel _channel;

    public NodeConnection(Endpoint endpoint)
    {
        Endpoint = endpoint;
        var handler = new SocketsHttpHandler { ConnectCallback = ConnectAsync, UseProxy = false, AllowAutoRedirect = false };
        // CRI servers check that the authority is "localhost"; the path of the socket is no host name.
        _channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            MaxReceiveMessageSize = MaxMessageBytes,
        });
        var invoker = _channel.Intercept(WithLocalPods);
        Runtime = new RuntimeService.RuntimeServiceClient(invoker);
        Images = new ImageService.ImageServiceClient(invoker);
        Gantry = new GantryService.GantryServiceClient(invoker);
        ImageStore = new GantryImages.GantryImagesClient(invoker);
    }

    public Endpoint Endpoint { get; }

    public RuntimeService.RuntimeServiceClient Runtime { get; }

    public ImageService.ImageServiceClient Images { get; }

    /// <summary>gantry.v1; other CRI servers answer Unimplemented.</summary>
    public GantryService.GantryServiceClient Gantry { get; }

    /// <summary>The image part of gantry.v1.</summary>
    public GantryImages.GantryImagesClient ImageStore { get; }

    /// <summary>Why the socket could not be connected, if that is what went wrong; gRPC's own error tells only that it did.</summary>
    public SocketError? ConnectFailure { get; private set; }

    public void Dispose() => _channel.Dispose();

    /// <summary>gantryd hides pods that run without a kubelet from the CRI's other clients; servers of others ignore the header.</summary>
    private static Metadata WithLocalPods(Metadata headers)
    {
        headers.Add("gantry-local-pods", "yes");
        return headers;
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Endpoint.SocketPath), cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException failure)
        {
            ConnectFailure = failure.SocketErrorCode;
            socket.Dispose();
            throw;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
