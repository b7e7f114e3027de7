using Gantry.Faults;
using Gantry.Monitoring;

namespace Gantry.Containers;

/// <summary>Lets a container's log go on in a new file after the kubelet renamed the old one.</summary>
public sealed class ContainerLogs(ContainerStore containers, IMonitors monitors)
{
    /// <summary>Opens the log path anew; the file exists when this returns, and no line is lost.</summary>
    /// <exception cref="NotFoundException">There is no such container.</exception>
    /// <exception cref="WrongStateException">It does not run.</exception>
    public Task ReopenAsync(string idOrPrefix, CancellationToken cancel)
    {
        var record = containers.Get(idOrPrefix);
        if (record.State is not ContainerState.Running)
            throw new WrongStateException($"container {record.Id.Short} is {record.State}: only a Running one's log can be reopened");
        return monitors.ReopenLogAsync(record.Id, cancel);
    }
}
