using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Gantry.Serving;

/// <summary>
/// Kestrel by itself. The framework's host around it would bring configuration, logging, routing and the life of an
/// application, none of which the daemon uses, and a fifth of its start.
/// </summary>
public sealed class HttpServer : IHttpApplication<HttpContext>, IAsyncDisposable
{
    private readonly KestrelServer _server;
    private readonly RequestDelegate _serve;

    /// <summary>A server that does not listen yet.</summary>
    /// <param name="options">Where it listens, and its limits.</param>
    /// <param name="serve">Answers one request.</param>
    /// <param name="transport">How its sockets are made; null for the framework's way.</param>
    public HttpServer(KestrelServerOptions options, RequestDelegate serve, SocketTransportOptions? transport = null)
    {
        options.AddServerHeader = false;
        _serve = serve;
        var sockets = new SocketTransportFactory(Options.Create(transport ?? new SocketTransportOptions()), NullLoggerFactory.Instance);
        _server = new KestrelServer(Options.Create(options), sockets, NullLoggerFactory.Instance);
    }

    /// <summary>The first of the addresses that it listens on, once started, as a URL.</summary>
    public string Address => _server.Features.Get<IServerAddressesFeature>()!.Addresses.First().TrimEnd('/');

    /// <summary>Listens and serves.</summary>
    /// <exception cref="IOException">An address is taken.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">An address is not this node's.</exception>
    public Task StartAsync() => _server.StartAsync(this, CancellationToken.None);

    /// <summary>Takes no more connections, and waits for what is being served, but no longer than the limit: what then remains is broken off.</summary>
    public async Task StopAsync(TimeSpan limit)
    {
        using var end = new CancellationTokenSource(limit);
        await _server.StopAsync(end.Token);
    }

    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    public void DisposeContext(HttpContext context, Exception? exception)
    {
    }

    public Task ProcessRequestAsync(HttpContext context) => _serve(context);

    /// <summary>Breaks off what is still being served.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero);
        _server.Dispose();
    }
}
