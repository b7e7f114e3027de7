using Gantry.Cgroups;
using Gantry.Containers.Volumes;
using Gantry.Identity;
using Gantry.Linux;
using Gantry.Linux.Files;
using Gantry.Linux.Mounts;
using Gantry.Persistence;
using Microsoft.Extensions.Logging;

namespace Gantry.Containers;

/// <summary>
/// Gives back what a container holds besides its record and its writable layer. Every step is idempotent, and one that
/// fails does not keep the others from being done: the first failure is thrown at the end.
/// </summary>
public sealed class ContainerLeftovers(NodePaths paths, RuntimeHandlers runtimes, CgroupFolder cgroups, VolumeStage volumes, ILogger log)
{
    /// <summary>Kills every process of a container's cgroup.</summary>
    public void Kill(ContainerRecord record)
    {
        if (record.CgroupPath.Length > 0)
            cgroups.KillAll(record.CgroupPath);
    }

    /// <summary>Ends what still runs of a container that has exited: its processes, its runtime state, cgroup and mount.</summary>
    public async Task ReleaseAsync(ContainerId id, string handler, string cgroup)
    {
        var failures = new List<Exception>();
        var isCgroupGone = cgroup.Length == 0 || TryRemove(cgroup);
        try
        {
            await runtimes.Get(handler).DeleteAsync(id, force: true, CancellationToken.None);
        }
        catch (Exception e)
        {
            failures.Add(e);
        }
        Try(failures, () => volumes.Release(id));
        Try(failures, () => Mount.Unmount(paths.ContainerRootfs(id), lazy: true));
        if (!isCgroupGone)
            Try(failures, () => cgroups.Remove(cgroup));
        if (failures.Count > 0)
            throw failures[0];
    }

    /// <summary>As <see cref="ReleaseAsync"/>; a failure is logged, and removal or the next start tries again.</summary>
    /// <returns>Whether everything has been given back.</returns>
    public async Task<bool> TryReleaseAsync(ContainerRecord record)
    {
        try
        {
            await ReleaseAsync(record.Id, record.Handler, record.CgroupPath);
            return true;
        }
        catch (Exception e)
        {
            log.ReleaseFailed(record.Id, e);
            return false;
        }
    }

    /// <summary>As <see cref="ReleaseAsync"/> for a container of which no record tells the handler: every one is asked.</summary>
    public async Task ReleaseUnknownAsync(ContainerId id)
    {
        foreach (var name in runtimes.Names)
            await ReleaseAsync(id, name, "");
        foreach (var path in cgroups.Find(id.Value))
        {
            cgroups.KillAll(path);
            cgroups.Remove(path);
        }
    }

    /// <summary>Whether the OCI runtime says that the container's process has been started and lives.</summary>
    public async Task<bool> IsRunningAsync(ContainerRecord record, CancellationToken cancel) =>
        await runtimes.Get(record.Handler).StateAsync(record.Id, cancel) is { Status: "running" };

    /// <summary>Deletes the container's directories: renamed first, so that no half-deleted container is ever read.</summary>
    public void Delete(ContainerId id)
    {
        volumes.Release(id);
        Mount.Unmount(paths.ContainerRootfs(id), lazy: true);
        DirectoryRemover.Remove(paths.ContainerState(id));
        Trash.Throw(paths, paths.Container(id), $"container-{id.Value}");
    }

    /// <summary>
    /// Empties and removes the cgroup before the OCI runtime looks for it: crun freezes and thaws one that it finds, and on
    /// cgroup v1 each of the two can halt all CPUs, since the kernel rewrites its own code for the first and the last frozen cgroup.
    /// </summary>
    /// <returns>False where a process does not leave: the runtime's delete may still end it.</returns>
    private bool TryRemove(string cgroup)
    {
        var failures = new List<Exception>();
        Try(failures, () => cgroups.KillAll(cgroup));
        Try(failures, () => cgroups.Remove(cgroup));
        return failures.Count == 0;
    }

    private static void Try(List<Exception> failures, Action step)
    {
        try
        {
            step();
        }
        catch (Exception e) when (e is IOException or SyscallException)
        {
            failures.Add(e);
        }
    }
}
