using Gantry.Images.Registry.Access;

namespace Gantry.Configuration;

/// <summary>The configuration of registries and pulls. ConfigText documents each key.</summary>
public sealed record RegistryConfig
{
    public IReadOnlyList<string> CertsDirectories { get; init; } = ["/etc/gantry/certs.d", "/etc/containerd/certs.d"];

    public string RegistriesConf { get; init; } = "/etc/containers/registries.conf";

    public IReadOnlyList<string> AuthFiles { get; init; } = ["/etc/gantry/auth.json"];

    public IReadOnlyList<string> HelperFolders { get; init; } = ["/usr/local/bin", "/usr/bin"];

    /// <summary>By the registry's host; its text must not show the secrets in it.</summary>
    public IReadOnlyDictionary<string, ConfiguredCredentials> Auth { get; init; } = new Dictionary<string, ConfiguredCredentials>();

    /// <summary>By the registry's host, the host of its token server.</summary>
    public IReadOnlyDictionary<string, string> TokenHosts { get; init; } = new Dictionary<string, string>();

    public int MaxParallelDownloads { get; init; } = 6;

    public int MaxParallelDownloadsOfPull { get; init; } = 6;

    public int NoProgressSeconds { get; init; } = 60;

    public int RetrySeconds { get; init; } = 120;

    /// <summary>0 for no limit.</summary>
    public long DownloadBytesPerSecond { get; init; }

    public IReadOnlyDictionary<string, long> DownloadBytesPerSecondByHost { get; init; } = new Dictionary<string, long>();

    /// <summary>0 for no limit.</summary>
    public long UnpackBytesPerSecond { get; init; }

    public long MaxImageBytes { get; init; } = 128L << 30;

    public int MaxImageFiles { get; init; } = 4_000_000;

    public int MaxLayers { get; init; } = 256;

    /// <summary>Address and port; empty for none.</summary>
    public string ShareListen { get; init; } = "";

    public string ShareCertificate { get; init; } = "";

    public string ShareKey { get; init; } = "";

    public bool SharePrivate { get; init; }

    public string PolicyFile { get; init; } = "/etc/gantry/policy.json";

    public string ImportDirectory { get; init; } = "/var/lib/gantry/import";

    /// <summary>0 for never.</summary>
    public double ScrubHours { get; init; }

    public long ScrubBytesPerSecond { get; init; } = 20L << 20;
}
