using System.Text.Json.Serialization;
using Gantry.Containers.Selinux;
using Gantry.Identity;
using Gantry.Persistence;

namespace Gantry.Pods;

/// <summary>
/// A pod's life:
/// <code>
///   RunPodSandbox ──► Ready ──► NotReady ──► (removed)
///                        StopPodSandbox, a reboot, or the end of its init process
/// </code>
/// </summary>
[JsonConverter(typeof(JsonStringEnumConverter<PodState>))]
public enum PodState
{
    Ready,
    NotReady,
}

/// <summary>Everything that Gantry knows of a pod; replaced as a whole by each transition, and kept as state.json.</summary>
public sealed record PodRecord : IStoredRecord
{
    /// <summary>The format of this record.</summary>
    public int Version { get; init; } = 1;

    public required PodId Id { get; init; }

    string IStoredRecord.Key => Id.Value;

    public required PodSpec Spec { get; init; }

    public PodState State { get; init; } = PodState.Ready;

    /// <summary>Nanoseconds since the epoch, never 0.</summary>
    public required long CreatedAt { get; init; }

    /// <summary>The kernel's boot id when the pod was made: after a reboot nothing of it runs any more.</summary>
    public required string BootId { get; init; }

    /// <summary>The addresses of its own network, the first one first; empty on the host's network.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>The namespaces that are pinned for it: "net", "ipc", "uts", "user".</summary>
    public IReadOnlyList<string> Pinned { get; init; } = [];

    /// <summary>The pid of its init process where it has one (a shared PID namespace or a user namespace), else 0.</summary>
    public int InitPid { get; init; }

    /// <summary>The pod's cgroup below each controller's root, as "/kubepods/podUID/ID".</summary>
    public string CgroupPath { get; init; } = "";

    /// <summary>Its SELinux labels, which its containers get; null where nothing is labelled.</summary>
    public PodContexts? Selinux { get; init; }

    /// <summary>Whether the CNI DEL has been done; until then its addresses are still held.</summary>
    public bool NetworkDetached { get; init; }

    /// <summary>The pod with its network given back, no longer usable.</summary>
    public PodRecord Stopped() => this with { State = PodState.NotReady };
}
