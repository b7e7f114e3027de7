namespace Gantry.Configuration;

/// <summary>Everything that can be configured, read once and checked once. ConfigText documents each key.</summary>
public sealed record GantryConfig
{
    public string Root { get; init; } = "/var/lib/gantry";

    public string State { get; init; } = "/run/gantry";

    public string Socket { get; init; } = "/run/gantry/gantry.sock";

    /// <summary>"debug", "info", "warning" or "error".</summary>
    public string LogLevel { get; init; } = "info";

    /// <summary>Empty: beside gantryd.</summary>
    public string Monitor { get; init; } = "";

    public string PodInit { get; init; } = "/usr/bin/catatonit";

    public bool Selinux { get; init; } = true;

    public string DefaultHandler { get; init; } = "crun";

    /// <summary>By name.</summary>
    public IReadOnlyDictionary<string, HandlerConfig> Handlers { get; init; } = new Dictionary<string, HandlerConfig>
    {
        ["crun"] = new("/usr/bin/crun"),
        ["runc"] = new("/usr/sbin/runc"),
    };

    /// <summary>Where Container Device Interface files are; a later directory's devices hide an earlier one's.</summary>
    public IReadOnlyList<string> CdiDirectories { get; init; } = ["/etc/cdi", "/var/run/cdi"];

    public int RuntimeTimeoutSeconds { get; init; } = 60;

    public int RuntimeMaxParallel { get; init; } = 64;

    public string CniConfDirectory { get; init; } = "/etc/cni/net.d";

    public IReadOnlyList<string> CniBinDirectories { get; init; } = ["/opt/cni/bin", "/usr/lib/cni"];

    public int CniTimeoutSeconds { get; init; } = 60;

    public int CniMaxParallel { get; init; } = 32;

    /// <summary>A file: the template of a network configuration, which UpdateRuntimeConfig fills with the node's pod CIDRs; empty for none.</summary>
    public string CniConfTemplate { get; init; } = "";

    public bool CniInstallDefault { get; init; } = true;

    public string CniDefaultSubnet { get; init; } = "10.88.0.0/16";

    public RegistryConfig Registry { get; init; } = new();

    public string LocalPodLogs { get; init; } = "/var/log/pods";

    public int LocalPodRestartDelaySeconds { get; init; } = 10;

    /// <summary>An address of this node, as its text.</summary>
    public string StreamingAddress { get; init; } = "127.0.0.1";

    /// <summary>0 for any that is free.</summary>
    public int StreamingPort { get; init; }

    /// <summary>PEM; empty, as the key, for plain HTTP.</summary>
    public string StreamingCertificate { get; init; } = "";

    public string StreamingKey { get; init; } = "";

    /// <summary>PEM; empty where clients need no certificate.</summary>
    public string StreamingClientAuthorities { get; init; } = "";

    public int StreamingIdleSeconds { get; init; } = 4 * 3600;

    public int StreamingCreationSeconds { get; init; } = 30;
}
