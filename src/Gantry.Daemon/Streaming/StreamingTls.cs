using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Gantry.Streaming;

/// <summary>The server's side of TLS: certificates are read at the start, and again when their files have changed.</summary>
internal sealed class StreamingTls
{
    private readonly TlsFiles _files;
    private readonly ILogger _log;
    private readonly Lock _lock = new();
    private (DateTime Certificate, DateTime Key, DateTime Authorities) _read;
    private SslServerAuthenticationOptions _options;

    /// <exception cref="Exception">A file is missing, or holds no certificate or key.</exception>
    public StreamingTls(TlsFiles files, ILogger log)
    {
        _files = files;
        _log = log;
        _read = Changed();
        _options = Load();
    }

    /// <summary>For the next connection. Files that have become unreadable leave the old ones in use.</summary>
    public SslServerAuthenticationOptions Current()
    {
        lock (_lock)
        {
            var changed = Changed();
            if (changed == _read)
                return _options;
            try
            {
                _options = Load();
                _log.CertificateReloaded(_files.Certificate);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
            {
                _log.CertificateNotReloaded(_files.Certificate, e);
            }
            _read = changed;
            return _options;
        }
    }

    private (DateTime, DateTime, DateTime) Changed() => (
        File.GetLastWriteTimeUtc(_files.Certificate), File.GetLastWriteTimeUtc(_files.Key),
        _files.ClientAuthorities.Length > 0 ? File.GetLastWriteTimeUtc(_files.ClientAuthorities) : default);

    private SslServerAuthenticationOptions Load()
    {
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(_files.Certificate);
        var own = X509Certificate2.CreateFromPemFile(_files.Certificate, _files.Key);
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(own, chain, offline: true),
            ClientCertificateRequired = _files.ClientAuthorities.Length > 0,
        };
        if (!options.ClientCertificateRequired)
            return options;
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(_files.ClientAuthorities);
        options.RemoteCertificateValidationCallback = (_, certificate, _, _) => IsSigned(certificate as X509Certificate2, authorities);
        return options;
    }

    private static bool IsSigned(X509Certificate2? certificate, X509Certificate2Collection authorities)
    {
        if (certificate is null)
            return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        return chain.Build(certificate);
    }
}
