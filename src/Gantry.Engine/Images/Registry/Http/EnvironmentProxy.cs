using System.Globalization;
using System.Net;

namespace Gantry.Images.Registry.Http;

/// <summary>
/// The proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name, read as the kubelet and every tool in Go read them
/// (golang.org/x/net/http/httpproxy): NO_PROXY takes hosts with their subdomains, ports, addresses and networks in CIDR form,
/// which clusters need, and .NET's own reader does not know.
/// </summary>
public sealed class EnvironmentProxy : IWebProxy
{
    private readonly Uri? _forHttp;
    private readonly Uri? _forHttps;
    private readonly bool _none;
    private readonly List<(string Host, string Port, bool SubdomainsOnly)> _hosts = [];
    private readonly List<IPNetwork> _networks = [];

    /// <param name="environment">Reads a variable; null where it is unset.</param>
    public EnvironmentProxy(Func<string, string?> environment)
    {
        _forHttp = Parse(environment("HTTP_PROXY") ?? environment("http_proxy"));
        _forHttps = Parse(environment("HTTPS_PROXY") ?? environment("https_proxy"));
        foreach (var entry in (environment("NO_PROXY") ?? environment("no_proxy") ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            _none |= entry == "*";
            if (IPNetwork.TryParse(entry, out var network))
                _networks.Add(network);
            else
                AddHost(entry.ToLowerInvariant());
        }
    }

    public ICredentials? Credentials { get; set; }

    public Uri? GetProxy(Uri destination) => IsBypassed(destination) ? null : Of(destination);

    public bool IsBypassed(Uri host)
    {
        var name = host.IdnHost.ToLowerInvariant().Trim('[', ']');
        if (_none || Of(host) is null || name == "localhost" || name.EndsWith(".localhost", StringComparison.Ordinal))
            return true;
        if (IPAddress.TryParse(name, out var address) && (IPAddress.IsLoopback(address) || _networks.Exists(network => network.Contains(address))))
            return true;
        var port = host.Port.ToString(CultureInfo.InvariantCulture);
        return _hosts.Exists(entry => (entry.Port.Length == 0 || entry.Port == port)
            && ((name == entry.Host && !entry.SubdomainsOnly) || name.EndsWith("." + entry.Host, StringComparison.Ordinal)));
    }

    /// <summary>What the proxy wants to know, where its address has user and password in it.</summary>
    internal static NetworkCredential? CredentialsOf(Uri proxy)
    {
        var colon = proxy.UserInfo.IndexOf(':', StringComparison.Ordinal);
        return proxy.UserInfo.Length == 0 ? null
            : colon < 0 ? new NetworkCredential(Uri.UnescapeDataString(proxy.UserInfo), "")
            : new NetworkCredential(Uri.UnescapeDataString(proxy.UserInfo[..colon]), Uri.UnescapeDataString(proxy.UserInfo[(colon + 1)..]));
    }

    private void AddHost(string entry)
    {
        var port = "";
        var colon = entry.LastIndexOf(':');
        if (colon > 0 && entry.IndexOf(':', StringComparison.Ordinal) == colon && entry[(colon + 1)..].All(char.IsAsciiDigit))
            (entry, port) = (entry[..colon], entry[(colon + 1)..]);
        var subdomainsOnly = entry.StartsWith('.') || entry.StartsWith("*.", StringComparison.Ordinal);
        _hosts.Add((entry.TrimStart('*').TrimStart('.'), port, subdomainsOnly));
    }

    private Uri? Of(Uri destination) => destination.Scheme == Uri.UriSchemeHttps ? _forHttps : _forHttp;

    private Uri? Parse(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return null;
        var uri = Uri.TryCreate(text.Contains("://", StringComparison.Ordinal) ? text : "http://" + text, UriKind.Absolute, out var parsed) && parsed.Scheme is "http" or "https" or "socks5" ? parsed : null;
        if (uri is not null)
            Credentials ??= CredentialsOf(uri);
        return uri;
    }
}
