using System.Text.Json;
using Gantry.Concurrency;
using Gantry.Containers.Selinux;
using Gantry.Containers.SpecBuilding;
using Gantry.Containers.Volumes;
using Gantry.Events;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Images;
using Gantry.Images.Store;
using Gantry.Linux.Files;
using Gantry.Monitoring;
using Gantry.Oci;
using Gantry.Oci.Spec;
using Gantry.Persistence;
using Microsoft.Extensions.Logging;

namespace Gantry.Containers;

/// <summary>The parts of the node that a new container is made of.</summary>
public sealed record ContainerParts(
    NodePaths Paths, ImageStore Images, ContainerRoot Roots, VolumeStage Volumes, SpecBuilder Specs, SpecFinisher Finisher, IMonitors Monitors,
    RuntimeHandlers Handlers, SeccompFilters Filters, KernelCalls Kernel);

/// <summary>What a pod lends to a container that is made in it.</summary>
/// <param name="Pod">The pod.</param>
/// <param name="Handler">The name of its OCI runtime.</param>
/// <param name="Cgroup">The cgroup in which containers get theirs.</param>
/// <param name="LogDirectory">Empty for none.</param>
/// <param name="PlaceOf">The place of the container of an id: the pod's namespaces and files, the container's own root and cgroup.</param>
public sealed record PodLoan(PodId Pod, string Handler, string Cgroup, string LogDirectory, Func<ContainerId, ContainerPlace> PlaceOf);

/// <summary>Makes containers: all of one, or nothing of it. The OCI runtime's create is done when this returns.</summary>
public sealed class ContainerCreator(
    ContainerStore containers, ContainerParts parts, ContainerLeftovers leftovers, EventStream events, TimeProvider time, ILogger log)
{
    private readonly string _bootId = NodeClock.ReadBootId();

    /// <exception cref="NotFoundException">The image is not on this node.</exception>
    /// <exception cref="InvalidRequestException">The specification does not fit the image: an unknown user, no command.</exception>
    /// <exception cref="ToolFailedException">The OCI runtime refused.</exception>
    /// <exception cref="TimedOutException">A mount's source or the OCI runtime hangs.</exception>
    /// <exception cref="OperationCanceledException">The pod is being stopped.</exception>
    public async Task<ContainerId> CreateAsync(ContainerSpec spec, PodLoan pod, CancellationToken cancel)
    {
        // Held until the record is written, which names the layers: a removal meanwhile would take them from below the mount.
        using var use = parts.Images.Use(spec.Image.Reference)
            ?? throw new NotFoundException($"container {spec.Name}: image {spec.Image.Reference} is not on this node; pull it first");
        var image = use.Image;
        var id = ContainerId.New();
        var place = pod.PlaceOf(id);
        await using var undo = new RollbackStack(log);
        undo.Push("container directories", () => leftovers.Delete(id));
        // It looks at what the request names: mount sources, devices and directories of anybody's file systems.
        var (built, user, volumes, logPath) = await parts.Kernel.RunAsync($"container {spec.Name}: preparing its root and mounts", given => Prepare(id, image, spec, place, pod, given), cancel);
        using var held = volumes;
        var handler = parts.Handlers.Get(pod.Handler).Handler;
        var finished = parts.Filters.Apply(await parts.Finisher.FinishAsync(built, spec, place, handler), handler);
        WriteBundle(id, finished);
        undo.Push("OCI runtime's create", () => leftovers.ReleaseAsync(id, pod.Handler, place.CgroupPath));
        var pid = await parts.Monitors.LaunchAsync(Launch(id, spec, handler, logPath), cancel);
        undo.Push("monitor", () => parts.Monitors.StopAsync(id));
        parts.Filters.Learn(finished, handler, id);
        parts.Volumes.Release(id);
        var record = new ContainerRecord
        {
            Id = id,
            Pod = pod.Pod,
            Spec = spec,
            Handler = pod.Handler,
            ImageId = image.Id,
            ImageReference = image.RepoDigests.Count > 0 ? image.RepoDigests[0] : image.Id.Value,
            ImageName = image.Tags.Count > 0 ? image.Tags[0] : spec.Image.Reference,
            Layers = image.ChainIds,
            ImageVolumes = volumes.Images,
            User = user,
            Resources = spec.Resources,
            StopSignal = StopSignal(spec, image),
            LogPath = logPath,
            CgroupPath = place.CgroupPath,
            BootId = _bootId,
            CreatedAt = time.Nanoseconds(),
            Pid = pid,
        };
        containers.Add(record);
        undo.Commit();
        log.ContainerCreated(id, spec.Name, pod.Pod);
        events.Publish(new NodeEvent(NodeEventKind.Created, pod.Pod, id, record.CreatedAt));
        return id;
    }

    private Prepared Prepare(ContainerId id, ImageRecord image, ContainerSpec spec, ContainerPlace place, PodLoan pod, CancellationToken given)
    {
        LabelPodFiles(place);
        parts.Roots.Mount(id, image, spec, place);
        var user = ResolveUser(place.Rootfs, spec, image);
        var volumes = parts.Volumes.Prepare(id, spec, place, given);
        try
        {
            var built = new Prepared(parts.Specs.Build(spec, place, image.Config, user, volumes.Mounts), user, volumes, LogPath(spec, pod));
            given.ThrowIfCancellationRequested();
            return built;
        }
        catch
        {
            volumes.Dispose();
            throw;
        }
    }

    /// <summary>A container with a level of its own would not be let in to files with the pod's.</summary>
    private static void LabelPodFiles(ContainerPlace place)
    {
        if (place.Labels?.SharedFile is not { } context)
            return;
        foreach (var path in new[] { place.HostsPath, place.HostnamePath, place.ResolvConfPath })
            FileLabels.Set(path, context);
    }

    private static ResolvedUser ResolveUser(string rootfs, ContainerSpec spec, ImageRecord image)
    {
        using var root = RegularFile.OpenDirectory(rootfs);
        return UserResolver.Resolve(root, spec.Security, image.Config.User);
    }

    private void WriteBundle(ContainerId id, OciSpec spec) =>
        AtomicFile.Write(Path.Combine(parts.Paths.ContainerBundle(id), "config.json"), JsonSerializer.SerializeToUtf8Bytes(spec, OciJson.Default.OciSpec));

    private static string LogPath(ContainerSpec spec, PodLoan pod)
    {
        if (pod.LogDirectory.Length == 0 || spec.LogPath.Length == 0)
            return "";
        var path = Path.Combine(pod.LogDirectory, spec.LogPath);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return path;
    }

    private static string StopSignal(ContainerSpec spec, ImageRecord image) =>
        spec.StopSignal ?? (Linux.Processes.Signals.TryParse(image.Config.StopSignal ?? "", out _) ? image.Config.StopSignal! : "SIGTERM");

    private MonitorLaunch Launch(ContainerId id, ContainerSpec spec, RuntimeHandler handler, string logPath) => new()
    {
        Id = id,
        Handler = handler,
        Bundle = parts.Paths.ContainerBundle(id),
        LogPath = logPath,
        Terminal = spec.Terminal,
        Stdin = spec.Stdin,
        StdinOnce = spec.StdinOnce,
        ExitPath = parts.Paths.ContainerExit(id),
    };

    private sealed record Prepared(OciSpec Spec, ResolvedUser User, PreparedVolumes Volumes, string LogPath);
}
