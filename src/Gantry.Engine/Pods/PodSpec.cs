using Gantry.Cgroups;
using Gantry.Containers;
using Gantry.Networking;

namespace Gantry.Pods;

/// <summary>What a pod was asked to be: the CRI's PodSandboxConfig, checked once at the edge and never changed after.</summary>
public sealed record PodSpec
{
    public required string Name { get; init; }

    public required string Namespace { get; init; }

    public required string Uid { get; init; }

    public uint Attempt { get; init; }

    /// <summary>Empty for a pod on the host's network, which has the host's name.</summary>
    public string Hostname { get; init; } = "";

    /// <summary>Where the containers' logs go; empty for none.</summary>
    public string LogDirectory { get; init; } = "";

    /// <summary>Null for a copy of the host's resolver configuration.</summary>
    public DnsSettings? Dns { get; init; }

    public IReadOnlyList<PortMapping> PortMappings { get; init; } = [];

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();

    /// <summary>In cgroupfs syntax ("/kubepods/burstable/podUID"), or a slice's name; empty for Gantry's own.</summary>
    public string CgroupParent { get; init; } = "";

    public IReadOnlyDictionary<string, string> Sysctls { get; init; } = new Dictionary<string, string>();

    public LinuxResources Overhead { get; init; } = LinuxResources.None;

    public LinuxResources Resources { get; init; } = LinuxResources.None;

    /// <summary>The pod's own security settings; the fields for a process matter only to its init process.</summary>
    public PodSecurity Security { get; init; } = new();

    /// <summary>The RuntimeClass handler, empty for the default.</summary>
    public string RuntimeHandler { get; init; } = "";

    /// <summary>Made by gantry.v1: not in the CRI's lists, since a kubelet ends pods that it does not know.</summary>
    public bool IsLocal { get; init; }

    public bool UsesHostNetwork => Security.Namespaces.Network == NamespaceMode.Node;
}

/// <summary>A pod's security settings.</summary>
public sealed record PodSecurity
{
    public NamespaceSharing Namespaces { get; init; } = new();

    public SelinuxLabel? Selinux { get; init; }

    public long? RunAsUser { get; init; }

    public long? RunAsGroup { get; init; }

    public bool ReadOnlyRootfs { get; init; }

    public IReadOnlyList<long> SupplementalGroups { get; init; } = [];

    public SupplementalGroupsPolicy SupplementalGroupsPolicy { get; init; }

    /// <summary>Only in a privileged pod may a container be privileged.</summary>
    public bool Privileged { get; init; }

    public SecurityProfile? Seccomp { get; init; }

    public SecurityProfile? AppArmor { get; init; }
}
