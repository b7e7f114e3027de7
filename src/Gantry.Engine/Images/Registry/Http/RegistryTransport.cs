using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Gantry.Faults;
using Gantry.Images.Registry.Hosts;

namespace Gantry.Images.Registry.Http;

/// <summary>
/// The connections to registries: HTTP/1.1 only, no redirects, no cookies, one pool for equal TLS settings. A guarded client
/// refuses to connect to this node itself and to link-local addresses, where a redirect could make it read a cloud's metadata.
/// </summary>
/// <param name="resolve">Names to addresses; DNS where null.</param>
public sealed class RegistryTransport(IWebProxy? proxy = null, Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null)
{
    private const int MostClients = 32;
    private static readonly TimeSpan _connectTimeout = TimeSpan.FromSeconds(15);
    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _resolve = resolve ?? Dns.GetHostAddressesAsync;
    private readonly ConcurrentDictionary<string, HttpClient> _clients = [];

    /// <summary>The client for a server, or for one that it sent us to.</summary>
    /// <exception cref="WrongStateException">A certificate of the configuration cannot be read; names the file.</exception>
    internal HttpClient Client(RegistryHost host, bool isGuarded = false)
    {
        var timeout = host.DialTimeout ?? _connectTimeout;
        // A renewed certificate is another file to us.
        var files = host.Tls.CaFiles.Concat(host.Tls.ClientFiles.SelectMany(file => new[] { file.Certificate, file.Key })).Where(file => file.Length > 0);
        var key = $"{isGuarded} {timeout.Ticks} {string.Join(' ', files.Select(file => File.GetLastWriteTimeUtc(file).Ticks))}\n{host.Tls.PoolKey}";
        if (_clients.Count > MostClients)
            _clients.Clear();
        return _clients.GetOrAdd(key, _ => new HttpClient(Handler(host.Tls, timeout, isGuarded)) { Timeout = Timeout.InfiniteTimeSpan });
    }

    /// <summary>Whether an address is this node or link-local.</summary>
    internal static bool IsInternal(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        if (IPAddress.IsLoopback(plain) || plain.IsIPv6LinkLocal || plain.Equals(IPAddress.Any) || plain.Equals(IPAddress.IPv6Any))
            return true;
        return plain.AddressFamily is AddressFamily.InterNetwork && plain.GetAddressBytes() is [169, 254, ..] or [0, ..];
    }

    /// <summary>Whether a server is such an address by name: then it may send us to others.</summary>
    internal async Task<bool> IsInternalAsync(Uri server, CancellationToken cancel)
    {
        try
        {
            return Array.Exists(await AddressesAsync(server.IdnHost, cancel), IsInternal);
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private async Task<IPAddress[]> AddressesAsync(string host, CancellationToken cancel) =>
        IPAddress.TryParse(host.Trim('[', ']'), out var literal) ? [literal] : await _resolve(host, cancel);

    private SocketsHttpHandler Handler(HostTls tls, TimeSpan timeout, bool isGuarded)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = timeout,
            MaxResponseHeadersLength = 64,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            Proxy = proxy,
            UseProxy = proxy is not null,
            ConnectCallback = (context, cancel) => ConnectAsync(context, isGuarded, cancel),
        };
#pragma warning disable CA5359 // skip_verify is the operator's own words in hosts.toml, for this server alone.
        if (tls.SkipVerify)
            handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        else if (tls.CaFiles.Count > 0)
            handler.SslOptions.CertificateChainPolicy = Policy(tls.CaFiles);
        if (tls.ClientFiles.Count > 0)
            handler.SslOptions.ClientCertificates = [.. tls.ClientFiles.Select(ClientCertificate)];
        return handler;
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, bool isGuarded, CancellationToken cancel)
    {
        var addresses = await AddressesAsync(context.DnsEndPoint.Host, cancel);
        // What goes through a proxy is resolved there, and the proxy's own address is the operator's choice.
        var isDirect = context.InitialRequestMessage.RequestUri is { } uri && uri.IdnHost.Trim('[', ']') == context.DnsEndPoint.Host.Trim('[', ']');
        if (isGuarded && isDirect && Array.Exists(addresses, IsInternal))
            throw new RegistryRefusedException($"{context.DnsEndPoint.Host} is this node or a link-local address, to which a registry may not send us");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, context.DnsEndPoint.Port, cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The system's authorities and those of the files: a registry that moves to a public certificate still works.</summary>
    private static X509ChainPolicy Policy(IReadOnlyList<string> files)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        using (var system = new X509Store(StoreName.Root, StoreLocation.LocalMachine))
        {
            system.Open(OpenFlags.ReadOnly);
            policy.CustomTrustStore.AddRange(system.Certificates);
        }
        foreach (var file in files)
        {
            try
            {
                var count = policy.CustomTrustStore.Count;
                policy.CustomTrustStore.ImportFromPemFile(file);
                if (policy.CustomTrustStore.Count == count)
                    policy.CustomTrustStore.Add(X509CertificateLoader.LoadCertificateFromFile(file));
            }
            catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
            {
                throw new WrongStateException($"certificate authority {file} cannot be read: {e.Message}", e);
            }
        }
        return policy;
    }

    private static X509Certificate2 ClientCertificate((string Certificate, string Key) files)
    {
        try
        {
            return X509Certificate2.CreateFromPemFile(files.Certificate, files.Key.Length > 0 ? files.Key : null);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new WrongStateException($"client certificate {files.Certificate} cannot be read: {e.Message}", e);
        }
    }
}
