using Gantry.Containers;

namespace Gantry.Pods.Local;

public enum RestartPolicy
{
    Always,
    OnFailure,
    Never,
}

public enum PullPolicy
{
    IfNotPresent,
    Always,
    Never,
}

/// <summary>What a v1/Pod manifest asks for, with the parts that mean something without a cluster.</summary>
/// <param name="Pod">The pod, whose uid and log directory are not set yet.</param>
/// <param name="InitContainers">Run to their end before the others, one after the other.</param>
/// <param name="Containers">The containers.</param>
/// <param name="Volumes">By name.</param>
/// <param name="RestartPolicy">Of the containers.</param>
/// <param name="Grace">Between the stop signal and SIGKILL.</param>
/// <param name="Notes">What the manifest asks for and nobody acts on here, for the reader.</param>
public sealed record PodManifest(
    PodSpec Pod, IReadOnlyList<ManifestContainer> InitContainers, IReadOnlyList<ManifestContainer> Containers,
    IReadOnlyDictionary<string, ManifestVolume> Volumes, RestartPolicy RestartPolicy, TimeSpan Grace, IReadOnlyList<string> Notes);

/// <summary>A container of a manifest; the specification's mounts are made of <paramref name="VolumeMounts"/> when it is created.</summary>
public sealed record ManifestContainer(ContainerSpec Spec, PullPolicy PullPolicy, IReadOnlyList<ManifestMount> VolumeMounts)
{
    /// <summary>runAsNonRoot, of the container or the pod.</summary>
    public bool MustNotBeRoot { get; init; }
}

public sealed record ManifestMount(string Volume, string Path, string SubPath, bool ReadOnly, MountPropagation Propagation)
{
    public bool RecursiveReadOnly { get; init; }
}

/// <summary>A directory of the host, or, with a null <paramref name="HostPath"/>, an emptyDir in the pod's directory.</summary>
/// <param name="HostPath">The host's path.</param>
/// <param name="HostPathType">As Kubernetes names it: "", "Directory", "DirectoryOrCreate", "File", "FileOrCreate".</param>
/// <param name="InMemory">An emptyDir of medium Memory.</param>
public sealed record ManifestVolume(string? HostPath, string HostPathType, bool InMemory);
