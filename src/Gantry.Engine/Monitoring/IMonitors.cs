using System.Threading.Channels;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Oci;

namespace Gantry.Monitoring;

/// <summary>A container to create under a monitor of its own.</summary>
public sealed record MonitorLaunch
{
    public required ContainerId Id { get; init; }

    public required RuntimeHandler Handler { get; init; }

    /// <summary>The bundle's directory; the monitor's socket is in it.</summary>
    public required string Bundle { get; init; }

    /// <summary>Absolute; empty for no log.</summary>
    public required string LogPath { get; init; }

    public required string ExitPath { get; init; }

    public bool Terminal { get; init; }

    public bool Stdin { get; init; }

    /// <summary>Its input ends when the first attached client that fed it has left.</summary>
    public bool StdinOnce { get; init; }
}

/// <summary>How a container's process ended.</summary>
public sealed record ContainerExit(ContainerId Id, int Code, long FinishedAtNanos, bool OomKilled)
{
    /// <summary>Its monitor ended without a record: code and time say only that nobody knows.</summary>
    public bool IsLost { get; init; }
}

/// <summary>The monitors of this node's containers: one process each, which outlives this daemon.</summary>
public interface IMonitors
{
    /// <summary>Starts a monitor, which runs the OCI runtime's create.</summary>
    /// <returns>The pid of the container's process.</returns>
    /// <exception cref="ToolFailedException">The runtime refused; nothing is left of the monitor.</exception>
    /// <exception cref="TimedOutException">The runtime hung; it and the monitor have been killed.</exception>
    Task<int> LaunchAsync(MonitorLaunch launch, CancellationToken cancel);

    /// <summary>Finds the monitor that an earlier daemon started, and watches it from now on; false where it is gone.</summary>
    Task<bool> ReconnectAsync(ContainerId id, CancellationToken cancel);

    /// <summary>The record that a monitor which is gone has left; null where it left none.</summary>
    ContainerExit? ReadExit(ContainerId id);

    /// <summary>Opens the container's log anew; the file exists when this returns.</summary>
    /// <exception cref="WrongStateException">The monitor is gone, or could not open the file.</exception>
    /// <exception cref="TimedOutException">The monitor does not answer.</exception>
    Task ReopenLogAsync(ContainerId id, CancellationToken cancel);

    /// <summary>Joins the container's streams.</summary>
    /// <exception cref="WrongStateException">The monitor is gone, or has too many clients.</exception>
    /// <exception cref="TimedOutException">It does not answer.</exception>
    Task<AttachedStreams> AttachAsync(ContainerId id, AttachRequest request, CancellationToken cancel);

    /// <summary>Ends the monitor of a container that is being removed; one that is gone is fine.</summary>
    Task StopAsync(ContainerId id);

    /// <summary>Kills a monitor that does not answer, with every process that it has started; one that is gone is fine.</summary>
    void Kill(ContainerId id);

    /// <summary>The one road up: every end of a container whose monitor is watched.</summary>
    ChannelReader<ContainerExit> Exits { get; }
}
