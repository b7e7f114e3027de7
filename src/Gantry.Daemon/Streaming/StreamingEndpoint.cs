using System.Net;
using System.Net.Sockets;
using Gantry.Faults;
using Gantry.Serving;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Gantry.Streaming;

/// <summary>
/// The HTTP server to which the addresses lead that Exec, Attach and PortForward answer: HTTP/1.1 alone, on loopback
/// unless configured otherwise, apart from the CRI's socket.
/// </summary>
public sealed class StreamingEndpoint(StreamingOptions options, StreamTokens tokens, StreamSessions sessions, ILogger log) : IAsyncDisposable
{
    private static readonly TimeSpan _stopLimit = TimeSpan.FromSeconds(1);
    private readonly CancellationTokenSource _stopping = new();
    private HttpServer? _server;
    private string _address = "";

    /// <summary>Starts listening.</summary>
    /// <exception cref="InvalidRequestException">The address is taken or not this node's, or a certificate cannot be read.</exception>
    public async Task StartAsync()
    {
        try
        {
            var tls = options.Tls is null ? null : new StreamingTls(options.Tls, log);
            _server = new HttpServer(Configure(tls), ProcessRequestAsync, new SocketTransportOptions { CreateBoundListenSocket = Listen });
            await _server.StartAsync();
        }
        catch (Exception e) when (e is IOException or SocketException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
        {
            throw new InvalidRequestException($"streams cannot be served on {options.Address} port {options.Port}: {e.Message}; correct [streaming] in the configuration", e);
        }
        _address = _server.Address;
        log.StreamsServed(_address);
        if (options.Tls is null && !IPAddress.IsLoopback(options.Address))
            log.StreamsUnprotected(_address);
    }

    /// <summary>Makes an offer, and tells where it can be redeemed, once, within a minute.</summary>
    /// <exception cref="ResourceExhaustedException">Too many offers wait for their clients.</exception>
    public string Offer(string kind, StreamOffer offer) => _server is null
        ? throw new UnavailableException("the streaming server has not started yet: try again in a moment")
        : $"{_address}/{kind}/{tokens.Offer(offer)}";

    /// <summary>Serves one request from its first line to the end of its session.</summary>
    private async Task ProcessRequestAsync(HttpContext context)
    {
        var route = StreamRoute.Parse(context.Request.Path.Value ?? "");
        if (route is null)
        {
            await RefuseAsync(context, StatusCodes.Status404NotFound, "not found");
            return;
        }
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsPost(context.Request.Method))
        {
            context.Response.Headers.Allow = "GET, POST";
            await RefuseAsync(context, StatusCodes.Status405MethodNotAllowed, "streams begin with GET or POST");
            return;
        }
        var agreement = StreamAgreement.Of(context, route.Kind);
        if (agreement.Problem is { } problem)
        {
            await RefuseAsync(context, agreement.Status, problem);
            return;
        }
        // Only now: a client that asked wrongly has not used up its token.
        if (tokens.Redeem(route.Token) is not { } offer || !route.Fits(offer))
        {
            await RefuseAsync(context, StatusCodes.Status404NotFound, "not found");
            return;
        }
        if (sessions.Refusal(offer) is { } refusal)
        {
            await RefuseAsync(context, StatusCodes.Status409Conflict, refusal);
            return;
        }
        await ServeAsync(context, route.Kind, agreement, offer);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        if (_server is not null)
        {
            await _server.StopAsync(_stopLimit);
            await _server.DisposeAsync();
        }
        _stopping.Dispose();
    }

    private async Task ServeAsync(HttpContext context, string kind, StreamAgreement agreement, StreamOffer offer)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        try
        {
            await sessions.RunAsync(context, agreement, offer, ending);
        }
        catch (Exception) when (ending.IsCancellationRequested)
        {
            // The end is felt as a cancelled wait or as a broken connection, whichever the session meets first.
            context.Abort();
        }
        catch (IOException)
        {
            // The client has left.
        }
        catch (Exception e)
        {
            log.SessionBroke(kind, e);
            context.Abort();
        }
        if (ending.IsCancellationRequested && !_stopping.IsCancellationRequested)
            log.SessionIdle(kind, options.IdleLimit);
    }

    private static async Task RefuseAsync(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        await context.Response.WriteAsync(message + "\n");
        await context.Response.CompleteAsync();
    }

    private KestrelServerOptions Configure(StreamingTls? tls)
    {
        var kestrel = new KestrelServerOptions();
        kestrel.Limits.MaxConcurrentConnections = 1000;
        kestrel.Limits.MaxConcurrentUpgradedConnections = 5000;
        kestrel.Limits.MaxRequestBodySize = 0;
        kestrel.Limits.MaxRequestLineSize = 4 << 10;
        kestrel.Limits.MaxRequestHeadersTotalSize = 16 << 10;
        kestrel.Limits.MaxRequestHeaderCount = 64;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(10);
        // Streams may stand still; how long is ours to say.
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;
        kestrel.Listen(options.Address, options.Port, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            if (tls is not null)
            {
                kestrel.ApplicationServices = TlsServices.Create();
                listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult(tls.Current()) });
            }
        });
        return kestrel;
    }

    /// <summary>A client whose machine is gone says nothing: after two minutes without an answer its connection is closed.</summary>
    private static Socket Listen(EndPoint endPoint)
    {
        var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint);
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 60);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 10);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 6);
        return socket;
    }
}
