using Gantry.Cgroups;
using Gantry.Containers;
using Gantry.Identity;
using Gantry.Linux.Files;
using Gantry.Linux.Mounts;
using Gantry.Linux.Namespaces;
using Gantry.Networking;
using Gantry.Persistence;
using Microsoft.Extensions.Logging;

namespace Gantry.Pods;

/// <summary>Gives back what a pod holds besides its record. Every step is idempotent.</summary>
public sealed class PodLeftovers(
    NodePaths paths, PodNetwork network, INamespacePins pins, ContainerLeftovers containers, CgroupFolder cgroups, ILogger log)
{
    /// <summary>Ends the pod's init process, gives its addresses back and lets its namespaces go.</summary>
    /// <exception cref="Faults.GantryException">The network could not be given back: the addresses are still held, try again.</exception>
    public async Task ReleaseAsync(PodRecord record)
    {
        if (record.InitPid != 0)
            await ReleaseInitAsync(record);
        if (!record.Spec.UsesHostNetwork && !record.NetworkDetached)
            await network.DetachAsync(Attachment(record), CancellationToken.None);
        LetGo(record.Id);
        if (record.Spec.CgroupParent.Length == 0)
            cgroups.Remove(record.CgroupPath);
    }

    /// <summary>What the network plugins are told of the pod; its namespace's path is empty once it is gone.</summary>
    public NetworkAttachment Attachment(PodRecord record)
    {
        var netns = paths.PodNamespace(record.Id, "net");
        return new NetworkAttachment(
            record.Id, NamespaceFile.Exists(netns) ? netns : "", record.Spec.Name, record.Spec.Namespace, record.Spec.Uid, record.Spec.PortMappings,
            record.Spec.Annotations, record.Spec.Dns, record.CgroupPath);
    }

    /// <summary>Gives back what a pod without a readable record held, and deletes its directories.</summary>
    public async Task ReleaseUnknownAsync(PodId id)
    {
        // Its cached network configuration is enough for the DEL; the names in the arguments are for logs only.
        var netns = paths.PodNamespace(id, "net");
        var attachment = new NetworkAttachment(
            id, NamespaceFile.Exists(netns) ? netns : "", "unknown", "unknown", "unknown", [], new Dictionary<string, string>(), null, "");
        await network.DetachAsync(attachment, CancellationToken.None);
        LetGo(id);
        cgroups.Remove(CgroupPath.ForPod("", id));
        Trash.Throw(paths, paths.Pod(id), $"pod-{id.Value}");
    }

    /// <summary>Unpins the namespaces and unmounts the shared memory of a pod whose network is detached.</summary>
    public void LetGo(PodId id)
    {
        Mount.Unmount(paths.PodSharedMemory(id), lazy: true);
        Mount.Unmount($"{paths.PodState(id)}/init/catatonit", lazy: true);
        pins.Unpin(id);
        DirectoryRemover.Remove(paths.PodState(id));
    }

    /// <summary>Deletes the pod's directories.</summary>
    public void Delete(PodRecord record)
    {
        LetGo(record.Id);
        Trash.Throw(paths, paths.Pod(record.Id), $"pod-{record.Id.Value}");
    }

    /// <summary>Ends the pod's init process and what the OCI runtime keeps of it; a failure is logged.</summary>
    public async Task ReleaseInitAsync(PodRecord record)
    {
        var id = ContainerId.Parse(record.Id.Value);
        try
        {
            await containers.ReleaseAsync(id, record.Spec.RuntimeHandler, PodInit.CgroupPath(record.CgroupPath, record.Id));
            DirectoryRemover.Remove(paths.ContainerState(id));
        }
        catch (Exception e)
        {
            // The network must go back all the same; what is left of the process is found at the next start.
            log.InitNotReleased(record.Id, e);
        }
    }
}
