using System.Net.Sockets;
using Gantry.Cri.Api;
using Grpc.Net.Client;

namespace Gantry.Conformance;

/// <summary>Clients of one CRI server on its Unix socket.</summary>
public sealed class CriConnection : IDisposable
{
    private readonly string _socket;

    /// <param name="socketPath">Where it listens.</param>
    /// <param name="window">How much of an answer the server may send before the reader says that it goes on, in bytes: 64 KiB as HTTP/2 begins, or more.</param>
    public CriConnection(string socketPath, int window = 65535)
    {
        _socket = socketPath;
        // As the kubelet: authority "localhost", and answers of at most 16 MiB.
        Channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler
            {
                ConnectCallback = ConnectAsync,
                UseProxy = false,
                AllowAutoRedirect = false,
                InitialHttp2StreamWindowSize = window,
            },
            DisposeHttpClient = true,
            MaxReceiveMessageSize = 16 << 20,
        });
        Runtime = new RuntimeService.RuntimeServiceClient(Channel);
        Images = new ImageService.ImageServiceClient(Channel);
    }

    public GrpcChannel Channel { get; }

    public RuntimeService.RuntimeServiceClient Runtime { get; }

    public ImageService.ImageServiceClient Images { get; }

    public void Dispose() => Channel.Dispose();

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(_socket), cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
