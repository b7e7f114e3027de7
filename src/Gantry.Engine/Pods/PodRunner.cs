using Gantry.Cgroups;
using Gantry.Concurrency;
using Gantry.Containers;
using Gantry.Containers.Selinux;
using Gantry.Events;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Linux.Mounts;
using Gantry.Networking;
using Gantry.Persistence;
using Microsoft.Extensions.Logging;

namespace Gantry.Pods;

/// <summary>The parts of the node that a new pod is made of.</summary>
public sealed record PodParts(
    INamespacePins Pins, PodNetwork Network, PodInit Init, CgroupFolder Cgroups, RuntimeHandlers Handlers, PodPlaces Places, SelinuxLabels Selinux);

/// <summary>Makes pods: all of one, or nothing of it.</summary>
public sealed class PodRunner(NodePaths paths, PodStore pods, PodParts parts, PodLeftovers leftovers, EventStream events, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan _deadline = TimeSpan.FromMinutes(4);
    private readonly SharedOperations<PodKey, PodId> _runs = new();
    private readonly string _bootId = NodeClock.ReadBootId();

    /// <summary>
    /// Makes the pod and returns its id. The same metadata again joins the run under way or finds the pod that it made;
    /// the caller's token ends only its wait.
    /// </summary>
    /// <exception cref="InvalidRequestException">The handler is not configured, or the SELinux label cannot be applied.</exception>
    /// <exception cref="AlreadyExistsException">A pod of that metadata has already stopped.</exception>
    /// <exception cref="TimedOutException">A network plugin or the OCI runtime hangs.</exception>
    public Task<PodId> RunAsync(PodSpec spec, CancellationToken cancel) => _runs.JoinAsync(PodKey.Of(spec), () => MakeAsync(spec), cancel);

    private async Task<PodId> MakeAsync(PodSpec requested)
    {
        if (pods.TryGet(PodKey.Of(requested)) is { } existing)
        {
            return existing.State is PodState.Ready
                ? existing.Id
                : throw new AlreadyExistsException($"pod {PodKey.Of(requested)} has already stopped as {existing.Id.Short}: remove it, or use the next attempt");
        }
        var spec = requested with { RuntimeHandler = parts.Handlers.Resolve(requested.RuntimeHandler) };
        using var deadline = new CancellationTokenSource(_deadline, time);
        try
        {
            return await MakeAsync(spec, deadline.Token);
        }
        catch (OperationCanceledException e) when (deadline.IsCancellationRequested)
        {
            throw new TimedOutException($"pod {PodKey.Of(spec)} was not ready within {_deadline.TotalMinutes:0} min, and was undone; it can be tried again", e);
        }
    }

    private async Task<PodId> MakeAsync(PodSpec spec, CancellationToken cancel)
    {
        // Held until the record, which names the level, is written.
        using var labels = LabelsOf(spec);
        await using var undo = new RollbackStack(log);
        var id = PodId.New();
        var record = new PodRecord
        {
            Id = id,
            Spec = spec,
            CreatedAt = time.Nanoseconds(),
            BootId = _bootId,
            CgroupPath = CgroupPath.ForPod(spec.CgroupParent, id),
            Selinux = labels.Contexts,
        };
        undo.Push("pod directories", () => Abandon(record));
        MakeDirectories(id);
        var hostname = spec.UsesHostNetwork || spec.Hostname.Length == 0 ? Environment.MachineName : spec.Hostname;
        PodFiles.Write(paths, record, hostname);
        if (spec.CgroupParent.Length == 0)
        {
            undo.Push("pod cgroup", () => parts.Cgroups.Remove(record.CgroupPath));
            parts.Cgroups.Create(record.CgroupPath);
        }
        record = record with { Pinned = await PinAsync(id, spec, hostname, undo, cancel) };
        if (spec.Security.Namespaces.Ipc is not NamespaceMode.Node)
            MountSharedMemory(record);
        record = await AttachAsync(record, hostname, undo, cancel);
        record = await StartInitAsync(record, undo, cancel);
        pods.Add(record);
        undo.Commit();
        log.PodReady(id, PodKey.Of(spec), record.Addresses.Count == 0 ? "the host's addresses" : string.Join(", ", record.Addresses));
        events.Publish(new NodeEvent(NodeEventKind.Created, id, null, record.CreatedAt));
        events.Publish(new NodeEvent(NodeEventKind.Started, id, null, time.Nanoseconds()));
        return id;
    }

    /// <summary>
    /// The last undo. A pod whose addresses could not be given back stays, as one that has stopped: stopping it again tries
    /// again, and nothing is forgotten.
    /// </summary>
    private void Abandon(PodRecord record)
    {
        if (!parts.Network.Holds(record.Id))
        {
            leftovers.Delete(record);
            return;
        }
        leftovers.LetGo(record.Id);
        pods.Add(record.Stopped());
        log.PodKept(record.Id, PodKey.Of(record.Spec));
    }

    private void MakeDirectories(PodId id)
    {
        const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Directory.CreateDirectory(paths.Pod(id), Private);
        Directory.CreateDirectory(paths.PodState(id), Private);
    }

    private async Task<IReadOnlyList<string>> PinAsync(PodId id, PodSpec spec, string hostname, RollbackStack undo, CancellationToken cancel)
    {
        var request = new NamespaceRequest(
            id, Network: !spec.UsesHostNetwork, Ipc: spec.Security.Namespaces.Ipc is not NamespaceMode.Node, Uts: !spec.UsesHostNetwork, hostname, spec.Sysctls)
        {
            User = spec.Security.Namespaces.UserNamespace,
        };
        undo.Push("pinned namespaces", () => parts.Pins.Unpin(id));
        return await parts.Pins.PinAsync(request, cancel);
    }

    /// <summary>A /dev/shm of the containers' own, of the size that Kubernetes' pods have.</summary>
    private void MountSharedMemory(PodRecord pod)
    {
        Directory.CreateDirectory(paths.PodSharedMemory(pod.Id));
        Mount.Tmpfs(paths.PodSharedMemory(pod.Id), $"mode=1777,size=65536k{Mount.ContextOption(pod.Selinux?.File)}");
    }

    private PodLabels LabelsOf(PodSpec spec) => parts.Selinux.ForPod(
        $"{spec.Namespace}/{spec.Name}", spec.Security.Selinux, spec.Security.Privileged,
        () => pods.All.Select(pod => pod.Selinux?.Level() ?? "").Concat(parts.Places.LevelsOfContainers()));

    private async Task<PodRecord> AttachAsync(PodRecord record, string hostname, RollbackStack undo, CancellationToken cancel)
    {
        if (record.Spec.UsesHostNetwork)
            return record;
        var attachment = leftovers.Attachment(record);
        // Before the ADD: a plugin that fails half-way still needs a DEL (CNI specification, "Deleting").
        undo.Push("attach network", () => parts.Network.DetachAsync(attachment, CancellationToken.None));
        var addresses = await parts.Network.AttachAsync(attachment, cancel);
        PodFiles.WriteHosts(paths, record, hostname, addresses.Addresses);
        return record with { Addresses = addresses.Addresses };
    }

    private async Task<PodRecord> StartInitAsync(PodRecord record, RollbackStack undo, CancellationToken cancel)
    {
        if (!PodInit.IsNeeded(record.Spec))
            return record;
        undo.Push("pod init process", () => leftovers.ReleaseInitAsync(record));
        var place = parts.Places.OfInit(record);
        return record with { InitPid = await parts.Init.StartAsync(record, place, cancel) };
    }
}
