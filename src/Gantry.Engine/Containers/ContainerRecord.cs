using System.Text.Json.Serialization;
using Gantry.Cgroups;
using Gantry.Containers.Volumes;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Persistence;

namespace Gantry.Containers;

/// <summary>
/// A container's life:
/// <code>
///   CreateContainer ──► Created ──► Running ──► Exited ──► (removed)
///                          └── start failed, code 128 ──┘
/// </code>
/// Unknown is a container whose monitor is lost while its process may live; it ends as Exited with 255.
/// </summary>
[JsonConverter(typeof(JsonStringEnumConverter<ContainerState>))]
public enum ContainerState
{
    Created,
    Running,
    Exited,
    Unknown,
}

/// <summary>The user that a container's process has, as resolved from the request and the image's own files.</summary>
public sealed record ResolvedUser(uint Uid, uint Gid, IReadOnlyList<uint> AdditionalGroups)
{
    /// <summary>The home directory of the image's passwd entry, or "/".</summary>
    public string Home { get; init; } = "/";
}

/// <summary>How a container ended.</summary>
/// <param name="Code">The exit status; 128 + n for signal n.</param>
/// <param name="FinishedAt">Nanoseconds since the epoch.</param>
/// <param name="OomKilled">Whether the kernel killed a process of it for memory.</param>
public sealed record ContainerEnd(int Code, long FinishedAt, bool OomKilled)
{
    /// <summary>The reason of an end that nobody saw.</summary>
    public const string Unknown = "Unknown";

    /// <summary>"Completed", "Error", "OOMKilled", "StartError", "Unknown".</summary>
    public string Reason { get; init; } = OomKilled ? "OOMKilled" : Code == 0 ? "Completed" : "Error";

    public string Message { get; init; } = "";
}

/// <summary>Everything that Gantry knows of a container; replaced as a whole by each transition, and kept as state.json.</summary>
public sealed record ContainerRecord : IStoredRecord
{
    /// <summary>The format of this record.</summary>
    public int Version { get; init; } = 1;

    public required ContainerId Id { get; init; }

    string IStoredRecord.Key => Id.Value;

    public required PodId Pod { get; init; }

    public required ContainerSpec Spec { get; init; }

    /// <summary>The RuntimeClass handler's name in the configuration; never empty.</summary>
    public required string Handler { get; init; }

    /// <summary>The image's id (its config's digest).</summary>
    public required Digest ImageId { get; init; }

    /// <summary>The image's repository digest at the time of creation, or its id; stays after the image is gone.</summary>
    public required string ImageReference { get; init; }

    /// <summary>A name for people: the first tag, or what was asked for.</summary>
    public required string ImageName { get; init; }

    /// <summary>The chainIDs of its root, lowest first; they must stay unpacked while the container exists.</summary>
    public required IReadOnlyList<Digest> Layers { get; init; }

    /// <summary>The images that it has as volumes.</summary>
    public IReadOnlyList<ImageVolume> ImageVolumes { get; init; } = [];

    /// <summary>The chainIDs that it stands on, those of its volumes too.</summary>
    [JsonIgnore]
    public IEnumerable<Digest> LayersInUse => Layers.Concat(ImageVolumes.SelectMany(volume => volume.Layers));

    public required ResolvedUser User { get; init; }

    public ContainerState State { get; init; } = ContainerState.Created;

    /// <summary>Limits as they are now: the spec's, or the last update's.</summary>
    public LinuxResources Resources { get; init; } = LinuxResources.None;

    /// <summary>As "SIGTERM": the request's, the image's or the default; what StopContainer sends first.</summary>
    public string StopSignal { get; init; } = "SIGTERM";

    /// <summary>Absolute; empty for no log.</summary>
    public string LogPath { get; init; } = "";

    /// <summary>The container's cgroup below each controller's root.</summary>
    public string CgroupPath { get; init; } = "";

    /// <summary>The kernel's boot id when it was made.</summary>
    public required string BootId { get; init; }

    /// <summary>Nanoseconds since the epoch, never 0.</summary>
    public required long CreatedAt { get; init; }

    /// <summary>0 while not started.</summary>
    public long StartedAt { get; init; }

    /// <summary>The pid of its process in the node's PID namespace; 0 when it has none.</summary>
    public int Pid { get; init; }

    /// <summary>Null until it has ended.</summary>
    public ContainerEnd? End { get; init; }

    /// <summary>Whether its runtime state, cgroup and mount have been given back.</summary>
    public bool Released { get; init; }

    /// <exception cref="WrongStateException">It is not Created.</exception>
    public ContainerRecord Started(long at) => State is ContainerState.Created
        ? this with { State = ContainerState.Running, StartedAt = at }
        : throw new WrongStateException($"container {Id.Short} is {State}, cannot be started");

    /// <summary>The container with its end; one that has ended already stays as it is.</summary>
    public ContainerRecord Exited(ContainerEnd end) => State is ContainerState.Exited
        ? this
        : this with { State = ContainerState.Exited, Pid = 0, End = end };
}
