using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Gantry.Cli.Streaming;

/// <summary>
/// How a runtime's streaming server proves itself over TLS, and this program to it. A server on loopback is not asked for
/// a proof unless a CA is given: its address came over the runtime's own socket a moment ago.
/// </summary>
internal sealed class StreamTls
{
    private readonly X509Certificate2Collection? _authorities;

    /// <param name="authority">A file in PEM; null for the system's.</param>
    /// <param name="certificate">A file in PEM; null for none.</param>
    /// <param name="key">Of the certificate.</param>
    public StreamTls(string? authority, string? certificate, string? key)
    {
        try
        {
            if (authority is not null)
            {
                _authorities = [];
                _authorities.ImportFromPemFile(authority);
            }
            if (certificate is not null)
                Own = X509Certificate2.CreateFromPemFile(certificate, key);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
        {
            throw CommandException.Failed($"{e.Message} (--tls-ca, --tls-cert and --tls-key name files in PEM)", e);
        }
    }

    public X509Certificate2? Own { get; }

    public bool Accepts(Uri server, X509Certificate? certificate, SslPolicyErrors errors)
    {
        if (errors is SslPolicyErrors.None && _authorities is null)
            return true;
        if (_authorities is null)
            return IPAddress.TryParse(server.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address);
        if (certificate is not X509Certificate2 given)
            return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(given);
    }
}
