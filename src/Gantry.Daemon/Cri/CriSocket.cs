using Gantry.Cri.Methods;
using Gantry.Serving;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Gantry.Cri;

/// <summary>The server of the CRI's socket, which is Gantry's own too.</summary>
public static class CriSocket
{
    /// <summary>How long calls in progress may go on when the daemon ends.</summary>
    public static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(30);

    /// <summary>A server that does not listen yet.</summary>
    public static HttpServer ServerFor(string socket, GrpcCalls calls)
    {
        var kestrel = new KestrelServerOptions();
        kestrel.ListenUnixSocket(socket, listen => listen.Protocols = HttpProtocols.Http2);
        kestrel.Limits.MaxConcurrentConnections = 1000;
        // A full node's lists are some hundred KiB, and should not wait for their reader half-way.
        kestrel.Limits.MaxResponseBufferSize = 1 << 20;
        kestrel.Limits.Http2.MaxStreamsPerConnection = 1000;
        return new HttpServer(kestrel, calls.ServeAsync);
    }
}
