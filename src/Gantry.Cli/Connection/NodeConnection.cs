using System.Net.Sockets;
using Gantry.Api;
using Gantry.Cri.Api;
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
        Runtime = new RuntimeService.RuntimeServiceClient(_channel);
        Images = new ImageService.ImageServiceClient(_channel);
        Gantry = new GantryService.GantryServiceClient(_channel);
        ImageStore = new GantryImages.GantryImagesClient(_channel);
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
