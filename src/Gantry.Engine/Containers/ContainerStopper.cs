using System.Collections.Concurrent;
using Gantry.Cgroups;
using Gantry.Concurrency;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Linux.Processes;
using Gantry.Monitoring;
using Microsoft.Extensions.Logging;

namespace Gantry.Containers;

/// <summary>
/// Stops containers: their stop signal once, their grace period, then SIGKILL to the whole cgroup. Several callers share
/// one stop, and the shortest of their grace periods counts; no caller's leaving ends it.
/// </summary>
public sealed class ContainerStopper(
    ContainerStore containers, RuntimeHandlers runtimes, IMonitors monitors, CgroupFolder cgroups, KeyedLock<ContainerId> locks, TimeProvider time,
    ILogger log)
{
    private static readonly TimeSpan _killDeadline = TimeSpan.FromSeconds(15);

    /// <summary>Within which a killed container is nearly always known to have ended.</summary>
    private static readonly TimeSpan _usual = TimeSpan.FromMilliseconds(300);

    /// <summary>How long a monitor takes at most to tell of an end, on a busy node too.</summary>
    private static readonly TimeSpan _news = TimeSpan.FromSeconds(3);

    private readonly ConcurrentDictionary<ContainerId, Stop> _stops = [];

    /// <summary>Ends the container; one that does not exist, or has ended, is fine.</summary>
    /// <exception cref="TimedOutException">Even SIGKILL did not end it: a process of it hangs in the kernel.</exception>
    public Task StopAsync(string idOrPrefix, TimeSpan grace, CancellationToken cancel) =>
        containers.TryFind(idOrPrefix) is { } record ? StopAsync(record.Id, grace, cancel) : Task.CompletedTask;

    /// <inheritdoc cref="StopAsync(string, TimeSpan, CancellationToken)"/>
    public async Task StopAsync(ContainerId id, TimeSpan grace, CancellationToken cancel)
    {
        if (containers.TryGet(id) is not { State: not ContainerState.Exited } record)
            return;
        // A container that was never started has nothing to end in an orderly way.
        var until = time.GetUtcNow() + (record.State is ContainerState.Created ? TimeSpan.Zero : Bounded(grace));
        var stop = _stops.GetOrAdd(id, _ => new Stop());
        stop.Shorten(until);
        await stop.Run(() => RunAsync(record, stop, grace)).WaitAsync(cancel);
    }

    /// <summary>As <see cref="StopAsync(ContainerId, TimeSpan, CancellationToken)"/>, and waits until what the container held has been given back, or that has failed.</summary>
    public async Task StopAndSettleAsync(ContainerId id, TimeSpan grace, CancellationToken cancel)
    {
        await StopAsync(id, grace, cancel);
        // Whoever records an end holds the lock until the release is over.
        using var held = await locks.EnterAsync(id, cancel);
    }

    /// <summary>Longer than any grace period that means something, and short enough for the clock's arithmetic.</summary>
    private static TimeSpan Bounded(TimeSpan grace) => grace > TimeSpan.FromDays(7) ? TimeSpan.FromDays(7) : grace < TimeSpan.Zero ? TimeSpan.Zero : grace;

    private async Task RunAsync(ContainerRecord record, Stop stop, TimeSpan grace)
    {
        try
        {
            var exited = containers.WaitForExitAsync(record.Id);
            if (stop.Until > time.GetUtcNow())
            {
                await Task.WhenAny(exited, TrySignalAsync(record, Signals.Parse(record.StopSignal)));
                await WaitAsync(exited, stop);
                if (!exited.IsCompleted)
                    log.GraceEnded(record.Id, grace);
            }
            if (!exited.IsCompleted)
                await KillAsync(record, exited);
        }
        finally
        {
            _stops.TryRemove(record.Id, out _);
        }
    }

    private async Task WaitAsync(Task exited, Stop stop)
    {
        while (!exited.IsCompleted)
        {
            var left = stop.Until - time.GetUtcNow();
            if (left <= TimeSpan.Zero)
                return;
            using var done = new CancellationTokenSource();
            await Task.WhenAny(exited, stop.Shortened, Task.Delay(left, time, done.Token));
            await done.CancelAsync();
        }
    }

    /// <summary>
    /// Kills every process of the container's cgroup, which needs no OCI runtime: one that hangs keeps nobody alive. The
    /// runtime is told too, for a container whose processes are not in that cgroup.
    /// </summary>
    private async Task KillAsync(ContainerRecord record, Task exited)
    {
        if (record.CgroupPath.Length > 0)
        {
            cgroups.KillAll(record.CgroupPath);
            if (await EndsWithinAsync(exited, _usual))
                return;
        }
        await Task.WhenAny(exited, TrySignalAsync(record, Signals.Kill));
        if (await EndsWithinAsync(exited, _news))
            return;
        if (HasEnded(record.Pid))
        {
            // Its process is gone and nobody tells: the monitor hangs. Its end is news in itself.
            log.MonitorHangs(record.Id);
            monitors.Kill(record.Id);
        }
        if (!await EndsWithinAsync(exited, _killDeadline))
        {
            throw new TimedOutException(
                $"container {record.Id.Short} has not ended {_killDeadline.TotalSeconds:0} s after SIGKILL: its process {record.Pid} hangs in the kernel "
                + $"(look at /proc/{record.Pid}/stack, and for an unreachable NFS or FUSE mount); stopping it can be tried again");
        }
    }

    private async Task<bool> EndsWithinAsync(Task exited, TimeSpan limit)
    {
        using var done = new CancellationTokenSource();
        await Task.WhenAny(exited, Task.Delay(limit, time, done.Token));
        await done.CancelAsync();
        return exited.IsCompleted;
    }

    /// <summary>Whether the process is gone, or waits for its parent to take note of its end.</summary>
    private static bool HasEnded(int pid) => pid > 0 && ProcessTree.StateOf(pid) is null or 'Z' or 'X';

    private async Task TrySignalAsync(ContainerRecord record, int signal)
    {
        try
        {
            await runtimes.Get(record.Handler).KillAsync(record.Id, signal, CancellationToken.None);
        }
        catch (GantryException e)
        {
            // The grace period goes on, and its end does not depend on the runtime.
            log.SignalFailed(record.Id, signal, e);
        }
    }

    /// <summary>One stop under way, and the moment until which it waits.</summary>
    private sealed class Stop
    {
        private readonly Lock _lock = new();
        private TaskCompletionSource _shortened = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Task? _run;

        public DateTimeOffset Until { get; private set; } = DateTimeOffset.MaxValue;

        public Task Shortened
        {
            get
            {
                lock (_lock)
                    return _shortened.Task;
            }
        }

        public void Shorten(DateTimeOffset until)
        {
            TaskCompletionSource told;
            lock (_lock)
            {
                if (until >= Until)
                    return;
                Until = until;
                told = _shortened;
                _shortened = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
            told.TrySetResult();
        }

        public Task Run(Func<Task> start)
        {
            lock (_lock)
                return _run ??= start();
        }
    }
}
