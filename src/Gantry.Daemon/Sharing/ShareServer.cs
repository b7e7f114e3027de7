using System.Net;
using System.Security.Cryptography.X509Certificates;
using Gantry.Configuration;
using Gantry.Faults;
using Gantry.Images.Store;
using Gantry.Serving;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Gantry.Sharing;

/// <summary>Listens for other nodes that pull from this one; a server of its own, so that the CRI's socket never meets them.</summary>
public sealed class ShareServer : IAsyncDisposable
{
    private const int MostConnections = 200;
    private readonly HttpServer _server;

    private ShareServer(HttpServer server) => _server = server;

    /// <summary>Null where nothing is to be shared.</summary>
    /// <exception cref="WrongStateException">The certificate cannot be read, or the address is taken.</exception>
    public static async Task<ShareServer?> StartAsync(RegistryConfig config, ImageStore images)
    {
        if (config.ShareListen.Length == 0)
            return null;
        var kestrel = new KestrelServerOptions();
        kestrel.Limits.MaxConcurrentConnections = MostConnections;
        kestrel.Limits.MaxRequestBodySize = 0;
        kestrel.Listen(IPEndPoint.Parse(config.ShareListen), listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            if (config.ShareCertificate.Length > 0)
            {
                kestrel.ApplicationServices = TlsServices.Create();
                listen.UseHttps(new HttpsConnectionAdapterOptions { ServerCertificate = Certificate(config) });
            }
        });
        var server = new HttpServer(kestrel, new RegistryShare(images, config.SharePrivate).HandleAsync);
        try
        {
            await server.StartAsync();
        }
        catch (IOException e)
        {
            throw new WrongStateException($"registry.share_listen {config.ShareListen}: {e.Message}", e);
        }
        return new ShareServer(server);
    }

    /// <summary>What is wrong with the configuration of sharing; null where nothing is.</summary>
    public static string? ProblemOf(RegistryConfig config)
    {
        if (config.ShareListen.Length == 0)
            return null;
        if (!IPEndPoint.TryParse(config.ShareListen, out var address) || address.Port == 0)
            return $"registry.share_listen is '{config.ShareListen}', where an address and a port are expected, as 127.0.0.1:5001";
        return config.ShareCertificate.Length == 0 && !IPAddress.IsLoopback(address.Address)
            ? "registry.share_listen is not on the loopback, and so needs share_certificate and share_key: nobody could tell what a mirror without TLS serves to whom"
            : null;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static X509Certificate2 Certificate(RegistryConfig config)
    {
        try
        {
            return X509Certificate2.CreateFromPemFile(config.ShareCertificate, config.ShareKey.Length > 0 ? config.ShareKey : null);
        }
        catch (Exception e) when (e is System.Security.Cryptography.CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new WrongStateException($"registry.share_certificate {config.ShareCertificate} cannot be read: {e.Message}", e);
        }
    }
}
