using System.Text.Json.Serialization;
using Gantry.Linux.Namespaces;
using Gantry.Networking;

namespace Gantry.Containers;

public enum NamespaceMode
{
    Pod = 0,
    Container = 1,
    Node = 2,
    Target = 3,
}

/// <summary>Which namespaces are shared with whom.</summary>
public sealed record NamespaceSharing
{
    public NamespaceMode Network { get; init; }

    public NamespaceMode Pid { get; init; }

    public NamespaceMode Ipc { get; init; }

    /// <summary>The container whose PID namespace is joined, for <see cref="NamespaceMode.Target"/>.</summary>
    public string TargetId { get; init; } = "";

    /// <summary>Null where none was asked for, which means the node's.</summary>
    public UserNamespaceSpec? User { get; init; }

    /// <summary>The ids of the pod's own user namespace; null where it has the node's.</summary>
    [JsonIgnore]
    public UserNamespace? UserNamespace => User is { Mode: NamespaceMode.Pod } user ? new UserNamespace(user.Uids, user.Gids) : null;

    /// <summary>Whether the other has the same user namespace, or both the node's.</summary>
    public bool HasSameUserNamespace(NamespaceSharing other) => UserNamespace is { } own && other.UserNamespace is { } others
        ? own.Uids.SequenceEqual(others.Uids) && own.Gids.SequenceEqual(others.Gids)
        : UserNamespace is null && other.UserNamespace is null;
}

/// <summary>A user namespace: <see cref="NamespaceMode.Pod"/> with mappings, or <see cref="NamespaceMode.Node"/>.</summary>
public sealed record UserNamespaceSpec(NamespaceMode Mode, IReadOnlyList<IdMapping> Uids, IReadOnlyList<IdMapping> Gids);

public enum ProfileKind
{
    RuntimeDefault = 0,
    Unconfined = 1,
    Localhost = 2,
}

/// <summary>A seccomp or AppArmor profile; <paramref name="LocalhostReference"/> is a path or a loaded profile's name.</summary>
public sealed record SecurityProfile(ProfileKind Kind, string LocalhostReference = "");

public sealed record SelinuxLabel(string User, string Role, string Type, string Level);

public enum SupplementalGroupsPolicy
{
    Merge = 0,
    Strict = 1,
}

/// <summary>Who the container's processes are and what they may do.</summary>
public sealed record ContainerSecurity
{
    public bool Privileged { get; init; }

    public NamespaceSharing Namespaces { get; init; } = new();

    public SelinuxLabel? Selinux { get; init; }

    public long? RunAsUser { get; init; }

    public long? RunAsGroup { get; init; }

    /// <summary>A name of the image's /etc/passwd; empty for none.</summary>
    public string RunAsUserName { get; init; } = "";

    public bool ReadOnlyRootfs { get; init; }

    public IReadOnlyList<long> SupplementalGroups { get; init; } = [];

    public SupplementalGroupsPolicy SupplementalGroupsPolicy { get; init; }

    public bool NoNewPrivileges { get; init; }

    public IReadOnlyList<string> MaskedPaths { get; init; } = [];

    public IReadOnlyList<string> ReadOnlyPaths { get; init; } = [];

    /// <summary>Null where none was given, which means unconfined.</summary>
    public SecurityProfile? Seccomp { get; init; }

    /// <summary>Null where none was given, which means the default where the kernel has AppArmor.</summary>
    public SecurityProfile? AppArmor { get; init; }

    /// <summary>Upper-case names with or without CAP_, or ALL.</summary>
    public IReadOnlyList<string> AddCapabilities { get; init; } = [];

    public IReadOnlyList<string> DropCapabilities { get; init; } = [];

    public IReadOnlyList<string> AddAmbientCapabilities { get; init; } = [];
}
