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
public sealed record ContainerExit(ContainerId Id, int Code, long FinishedAtNanos, bool OomKilled);

/// <summary>The monitors of this node's containers: one process each, which outlives this daemon.</summary>
public interface IMonitors
{
    /// <summary>Starts a monitor, which runs the OCI runtime's create.</summary>
    /// <returns>The pid of the container's process.</returns>
    /// <exception cref="ToolFailedException">The runtime refused; nothing is left of the monitor.</exception>
    Task<int> LaunchAsync(MonitorLaunch launch, CancellationToken cancel);

    /// <summary>Finds the monitor that an earlier daemon started.</summary>
    /// <returns>True: it lives and is watched. False: it is gone; the exit record that it left, if any, is on <see cref="Exits"/>.</returns>
    Task<bool> ReconnectAsync(ContainerId id, CancellationToken cancel);

    /// <summary>Opens the container's log anew; the file exists when this returns.</summary>
    /// <exception cref="WrongStateException">The monitor is gone, or could not open the file.</exception>
    Task ReopenLogAsync(ContainerId id, CancellationToken cancel);

    /// <summary>Joins the container's streams.</summary>
    /// <exception cref="WrongStateException">The monitor is gone, or has too many clients.</exception>
    /// <exception cref="TimedOutException">It does not answer.</exception>
    Task<AttachedStreams> AttachAsync(ContainerId id, AttachRequest request, CancellationToken cancel);

    /// <summary>Ends the monitor of a container that is being removed; one that is gone is fine.</summary>
    Task StopAsync(ContainerId id);

    /// <summary>The one road up: every end of a container, live or found at a start.</summary>
    ChannelReader<ContainerExit> Exits { get; }
}
