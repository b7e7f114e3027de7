namespace Gantry.Images.Registry.Hosts;

/// <summary>What a server of the configuration may be asked for.</summary>
[Flags]
public enum HostCapabilities
{
    None = 0,

    /// <summary>Content by digest, which is verified: also from a server that nobody has to trust.</summary>
    Pull = 1,

    /// <summary>What a tag means: the server is trusted with that.</summary>
    Resolve = 2,

    All = Pull | Resolve,
}

/// <summary>How a server proves who it is, and how this node proves it to the server.</summary>
/// <param name="SkipVerify">Any certificate will do: the operator's own words.</param>
/// <param name="CaFiles">PEM files of further authorities; none for the system's alone.</param>
/// <param name="ClientFiles">PEM files of certificate and key; the key is empty where both are in one file.</param>
public sealed record HostTls(bool SkipVerify, IReadOnlyList<string> CaFiles, IReadOnlyList<(string Certificate, string Key)> ClientFiles)
{
    public static HostTls System { get; } = new(false, [], []);

    /// <summary>Equal for equal settings: connections are shared by it.</summary>
    internal string PoolKey => $"{SkipVerify}\n{string.Join('\n', CaFiles)}\n\n{string.Join('\n', ClientFiles.Select(file => $"{file.Certificate}\n{file.Key}"))}";
}

/// <summary>One server that may serve an image, and the image's name there.</summary>
/// <param name="Url">Scheme, host, port and perhaps a path; without a trailing slash, without credentials.</param>
/// <param name="IsMirror">Not the image's own registry: it never gets that one's credentials, and is told whom it stands for (ns).</param>
public sealed record RegistryHost(Uri Url, bool IsMirror)
{
    public HostCapabilities Capabilities { get; init; } = HostCapabilities.All;

    /// <summary>The path is the whole prefix of the API; otherwise v2 is put behind it, unless it ends so.</summary>
    public bool OverridePath { get; init; }

    public HostTls Tls { get; init; } = HostTls.System;

    /// <summary>Sent with each request to this server, and to no other; may hold secrets.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>Null for the usual one.</summary>
    public TimeSpan? DialTimeout { get; init; }

    /// <summary>The repository's name on this server; null for the image's own.</summary>
    public string? Repository { get; init; }

    /// <summary>The file that named this server, and why it is asked; for people.</summary>
    public string Reason { get; init; } = "the image's registry";

    /// <summary>Host and port, as credentials are kept by.</summary>
    public string Name => Url.IsDefaultPort ? Url.Host : Url.Authority;

    public bool IsPlain => Url.Scheme == Uri.UriSchemeHttp;

    /// <summary>Scheme, host and path; for messages.</summary>
    public string Text => Url.GetLeftPart(UriPartial.Path).TrimEnd('/');

    /// <summary>The address of something of a repository, as "manifests/latest".</summary>
    internal Uri Address(ImageReference image, string what)
    {
        var root = Text;
        if (!OverridePath && !root.EndsWith("/v2", StringComparison.Ordinal))
            root += "/v2";
        var query = IsMirror && Repository is null ? $"?ns={Uri.EscapeDataString(image.Registry)}" : "";
        return new Uri($"{root}/{Repository ?? image.Repository}/{what}{query}");
    }

    /// <summary>A registry's own server, without any configuration; Docker Hub's has another name than its images.</summary>
    public static RegistryHost Own(string registry) =>
        new(new Uri($"https://{(registry == "docker.io" ? "registry-1.docker.io" : registry)}"), false);
}
