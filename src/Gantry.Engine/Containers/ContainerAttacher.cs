using Gantry.Faults;
using Gantry.Identity;
using Gantry.Linux.Descriptors;
using Gantry.Monitoring;

namespace Gantry.Containers;

/// <summary>Joins the streams of containers' own processes, which their monitors hold.</summary>
public sealed class ContainerAttacher(ContainerStore containers, IMonitors monitors)
{
    /// <summary>The container, if it can be attached to.</summary>
    /// <exception cref="NotFoundException">There is no such container.</exception>
    /// <exception cref="WrongStateException">It does not run.</exception>
    public ContainerRecord GetRunning(string idOrPrefix)
    {
        var record = containers.Get(idOrPrefix);
        return record.State is ContainerState.Running
            ? record
            : throw new WrongStateException($"container {record.Id.Short} is {record.State}: only a Running one can be attached to");
    }

    /// <summary>Joins a running container's streams, from this moment on.</summary>
    /// <param name="id">The container.</param>
    /// <param name="input">Whether to feed its input; a container without one is attached to without it.</param>
    /// <param name="output">Whether to read its output, or its terminal's.</param>
    /// <param name="errorOutput">Whether to read its error output; a terminal has none of its own.</param>
    /// <param name="cancel">Ends the wait for its monitor.</param>
    /// <exception cref="WrongStateException">It does not run.</exception>
    /// <exception cref="TimedOutException">Its monitor hangs.</exception>
    public async Task<(ContainerRecord Container, AttachedStreams Streams)> AttachAsync(
        ContainerId id, bool input, bool output, bool errorOutput, CancellationToken cancel)
    {
        var record = GetRunning(id.Value);
        var request = new AttachRequest(input && (record.Spec.Stdin || record.Spec.Terminal), output, errorOutput) { Terminal = record.Spec.Terminal };
        return (record, await monitors.AttachAsync(id, request, cancel));
    }

    /// <summary>Whether the container's process has ended, or does within that time; its record may tell of it later.</summary>
    public async Task<bool> HasEndedAsync(ContainerRecord record, TimeSpan within, CancellationToken cancel)
    {
        using var process = PidFd.TryOpen(record.Pid);
        if (process is null)
            return true;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(within);
        try
        {
            var ended = Reactor.Shared.WaitReadableAsync(process, limit.Token);
            // The record first, where it knows: the number may be another process's by now.
            if (await Task.WhenAny(containers.WaitForExitAsync(record.Id), ended) == ended)
                await ended;
            await limit.CancelAsync();
            await ended.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return true;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Completes when the container has ended, with everything that it wrote handed over by its monitor.</summary>
    public Task WaitForExitAsync(ContainerId id) => containers.WaitForExitAsync(id);
}
