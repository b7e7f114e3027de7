using System.Net;

namespace Gantry.Streaming;

/// <summary>How the streaming server is reached, and how patient it is.</summary>
public sealed record StreamingOptions
{
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>0 for any that is free.</summary>
    public int Port { get; init; }

    /// <summary>Null for plain HTTP.</summary>
    public TlsFiles? Tls { get; init; }

    /// <summary>A session over which nothing moves for so long is ended.</summary>
    public TimeSpan IdleLimit { get; init; } = TimeSpan.FromHours(4);

    /// <summary>In which a client must have opened its streams.</summary>
    public TimeSpan CreationLimit { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>Files in PEM, which are read anew when they change.</summary>
/// <param name="Certificate">The server's, with those between it and its root.</param>
/// <param name="Key">Of the certificate.</param>
/// <param name="ClientAuthorities">Who may have signed clients' certificates; empty where clients need none.</param>
public sealed record TlsFiles(string Certificate, string Key, string ClientAuthorities);
