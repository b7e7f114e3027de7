using Gantry.Containers.Selinux;
using Gantry.Identity;
using Gantry.Networking;

namespace Gantry.Containers;

/// <summary>What a pod lends to one container: namespaces, files and names.</summary>
public sealed record ContainerPlace
{
    public required PodId Pod { get; init; }

    public required ContainerId Container { get; init; }

    public required string PodName { get; init; }

    public required string PodNamespace { get; init; }

    public required string PodUid { get; init; }

    /// <summary>The mounted root, absolute.</summary>
    public required string Rootfs { get; init; }

    /// <summary>By kind ("net", "ipc", "uts", "pid", "user") the file of a namespace to join; one that is missing is the node's or the container's own, as its mode says.</summary>
    public required IReadOnlyDictionary<string, string> NamespacePaths { get; init; }

    public required string Hostname { get; init; }

    /// <summary>The ids of the user namespace among <see cref="NamespacePaths"/>; null for the node's.</summary>
    public UserNamespace? User { get; init; }

    /// <summary>The pod's annotations, of which an OCI runtime sees only those that its handler allows.</summary>
    public IReadOnlyDictionary<string, string> PodAnnotations { get; init; } = new Dictionary<string, string>();

    /// <summary>The three files are empty for a pod's init process, which has none.</summary>
    public string HostsPath { get; init; } = "";

    public string HostnamePath { get; init; } = "";

    public string ResolvConfPath { get; init; } = "";

    /// <summary>The pod's /dev/shm; the node's own for host IPC.</summary>
    public string SharedMemoryPath { get; init; } = "";

    /// <summary>The container's SELinux labels; null where nothing is labelled.</summary>
    public ContainerLabels? Labels { get; init; }

    public required string CgroupPath { get; init; }

    public bool PodPrivileged { get; init; }

    public bool UsesHostNetwork { get; init; }
}
