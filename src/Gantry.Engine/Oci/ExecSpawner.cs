using Gantry.Linux;
using Gantry.Linux.Files;
using Gantry.Linux.Mounts;
using Gantry.Linux.Namespaces;
using Gantry.Linux.Processes;
using Microsoft.Extensions.Logging;

namespace Gantry.Oci;

/// <summary>
/// Starts OCI runtimes for an exec where the mounts of pods are not seen. A runtime needs none of them for that, and reads
/// all: crun /proc/mounts for SELinux, runc mountinfo for cgroups. A pod adds five, so that an exec would take longer with each.
/// </summary>
/// <param name="state">Below which pods' and containers' things are mounted, as /run/gantry.</param>
/// <param name="log">Told once where the namespace cannot be had.</param>
/// <remarks>
/// The namespace is the node's but for the mount that holds the state directory (/run), which has nothing on it there and gets
/// nothing. Where that is the root of all, everything of the node would lie on it: runtimes are then started as all programs are.
/// </remarks>
public sealed class ExecSpawner(string state, ILogger log)
{
    private readonly Lock _lock = new();
    private Task<SpawnThread?>? _thread;

    /// <inheritdoc cref="SpawnThread.SpawnAsync"/>
    internal async Task<int> SpawnAsync(SpawnRequest request)
    {
        Task<SpawnThread?> making;
        lock (_lock)
            making = _thread ??= MakeAsync();
        if (await making is { } thread)
        {
            try
            {
                return await thread.SpawnAsync(request);
            }
            catch (SyscallException)
            {
                // A program that lies on a mount which is not there is started here, or tells why it cannot be.
            }
        }
        return ProcessSpawn.Start(request);
    }

    /// <summary>The mount point that is made bare, or why there is none.</summary>
    /// <param name="mounts">The node's.</param>
    /// <param name="folder">The state directory, without symbolic links.</param>
    internal static (string? MountPoint, string Obstacle) Choose(IReadOnlyList<MountEntry> mounts, string folder)
    {
        if (MountTable.Holding(mounts, folder) is not { MountPoint: not "/" } holding)
            return (null, $"{folder} lies on the root file system: mount a tmpfs at it, or above it");
        var byId = mounts.ToDictionary(mount => mount.Id);
        foreach (var mount in mounts)
        {
            // Else the namespace would keep what the node has unmounted, and the node's disk would stay in use.
            var isBelow = mount.MountPoint.StartsWith(holding.MountPoint + "/", StringComparison.Ordinal);
            if (!isBelow && byId.TryGetValue(mount.ParentId, out var parent) && parent is { IsShared: false, IsSlave: false })
                return (null, $"{parent.MountPoint} is a private mount, so that nobody is told when {mount.MountPoint} goes: make it shared");
        }
        return (holding.MountPoint, "");
    }

    private async Task<SpawnThread?> MakeAsync()
    {
        try
        {
            var (mountPoint, obstacle) = Choose(MountTable.Read(), RealPath.Resolve(state));
            if (mountPoint is not null)
                return await SpawnThread.StartAsync(() => Mount.Bare(mountPoint));
            log.NoNamespaceForExec(obstacle);
        }
        catch (Exception e) when (e is SyscallException or IOException)
        {
            log.NoNamespaceForExec(e.Message);
        }
        return null;
    }
}
