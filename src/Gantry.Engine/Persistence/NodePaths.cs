using Gantry.Identity;

namespace Gantry.Persistence;

/// <summary>
/// Every path of the node that Gantry makes, in one place. What lies below <see cref="Root"/> survives a reboot; what
/// lies below <see cref="State"/> (a tmpfs) is gone with it.
/// </summary>
/// <param name="Root">As /var/lib/gantry.</param>
/// <param name="State">As /run/gantry.</param>
public sealed record NodePaths(string Root, string State)
{
    /// <summary>The OCI image layout.</summary>
    public string Images => $"{Root}/images";

    /// <summary>Unpacked layers by chainID.</summary>
    public string Snapshots => $"{Root}/snapshots";

    public string Pods => $"{Root}/pods";

    public string Containers => $"{Root}/containers";

    /// <summary>What is being deleted: renamed here first, so that a half-deleted object is never seen.</summary>
    public string Trash => $"{Root}/trash";

    /// <summary>As <see cref="Trash"/>, for blobs: on their own file system, which may be another.</summary>
    public string BlobTrash => $"{Images}/trash";

    /// <summary>As <see cref="Trash"/>, for layers.</summary>
    public string LayerTrash => $"{Snapshots}/trash";

    /// <summary>Records that could not be read, by kind and id: for people, nothing here is read again.</summary>
    public string BrokenRecords => $"{Root}/broken";

    /// <summary>Held locked (flock) by the one daemon that owns this root.</summary>
    public string RootLock => $"{Root}/lock";

    public string StatePods => $"{State}/pods";

    public string StateContainers => $"{State}/containers";

    /// <summary>A pod's record, hosts, hostname and resolv.conf.</summary>
    public string Pod(PodId id) => $"{Pods}/{id.Value}";

    public string PodRecord(PodId id) => $"{Pod(id)}/state.json";

    public string PodHosts(PodId id) => $"{Pod(id)}/hosts";

    public string PodHostname(PodId id) => $"{Pod(id)}/hostname";

    public string PodResolvConf(PodId id) => $"{Pod(id)}/resolv.conf";

    /// <summary>A pod's pinned namespaces and shared memory; gone after a reboot.</summary>
    public string PodState(PodId id) => $"{StatePods}/{id.Value}";

    /// <summary>The file that keeps a pod's namespace of that kind ("net", "ipc", "uts", "user", "pid") alive.</summary>
    public string PodNamespace(PodId id, string kind) => $"{PodState(id)}/{kind}";

    /// <summary>The tmpfs that the pod's containers share as /dev/shm.</summary>
    public string PodSharedMemory(PodId id) => $"{PodState(id)}/shm";

    /// <summary>A container's record and its writable layer.</summary>
    public string Container(ContainerId id) => $"{Containers}/{id.Value}";

    public string ContainerRecord(ContainerId id) => $"{Container(id)}/state.json";

    public string ContainerUpper(ContainerId id) => $"{Container(id)}/upper";

    public string ContainerWork(ContainerId id) => $"{Container(id)}/work";

    /// <summary>A directory with nothing in it, below a volume's only layer.</summary>
    public string ContainerEmpty(ContainerId id) => $"{Container(id)}/empty";

    /// <summary>Bundle, root mount and monitor files of a container; gone after a reboot.</summary>
    public string ContainerState(ContainerId id) => $"{StateContainers}/{id.Value}";

    /// <summary>The OCI bundle: config.json is in it.</summary>
    public string ContainerBundle(ContainerId id) => ContainerState(id);

    public string ContainerRootfs(ContainerId id) => $"{ContainerState(id)}/rootfs";

    /// <summary>
    /// Volumes that are made ready for the OCI runtime, by number, and the layers as the pod's user namespace sees them;
    /// mounted only while the container is created.
    /// </summary>
    public string ContainerVolumes(ContainerId id) => $"{ContainerState(id)}/volumes";

    /// <summary>Written by the monitor when the container has ended.</summary>
    public string ContainerExit(ContainerId id) => $"{ContainerState(id)}/exit";

    /// <summary>The OCI runtime's own state directory (crun --root).</summary>
    public string RuntimeRoot(string handler) => $"{State}/runtime/{handler}";
}
