using System.Collections.Concurrent;
using Gantry.Cgroups;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Linux.Processes;
using Microsoft.Extensions.Logging;

namespace Gantry.Containers;

/// <summary>
/// Stops containers: their stop signal once, their grace period, then SIGKILL to the whole cgroup. Several callers share
/// one stop, and the shortest of their grace periods counts; no caller's leaving ends it.
/// </summary>
public sealed class ContainerStopper(ContainerStore containers, RuntimeHandlers runtimes, CgroupFolder cgroups, TimeProvider time, ILogger log)
{
    private const int SigKill = 9;
    private static readonly TimeSpan _killDeadline = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan _runtimeDeadline = TimeSpan.FromSeconds(15);
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

    /// <summary>Longer than any grace period that means something, and short enough for the clock's arithmetic.</summary>
    private static TimeSpan Bounded(TimeSpan grace) => grace > TimeSpan.FromDays(7) ? TimeSpan.FromDays(7) : grace < TimeSpan.Zero ? TimeSpan.Zero : grace;

    private async Task RunAsync(ContainerRecord record, Stop stop, TimeSpan grace)
    {
        try
        {
            var exited = containers.WaitForExitAsync(record.Id);
            if (stop.Until > time.GetUtcNow())
            {
                await SignalAsync(record, Signals.Parse(record.StopSignal));
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

    private async Task KillAsync(ContainerRecord record, Task exited)
    {
        await SignalAsync(record, SigKill);
        if (record.CgroupPath.Length > 0)
            cgroups.KillAll(record.CgroupPath);
        try
        {
            await exited.WaitAsync(_killDeadline, time);
        }
        catch (TimeoutException)
        {
            throw new TimedOutException(
                $"container {record.Id.Short} has not ended {_killDeadline.TotalSeconds:0} s after SIGKILL: its process {record.Pid} hangs in the kernel "
                + $"(look at /proc/{record.Pid}/stack, and for an unreachable NFS or FUSE mount); stopping it can be tried again");
        }
    }

    private async Task SignalAsync(ContainerRecord record, int signal)
    {
        using var deadline = new CancellationTokenSource(_runtimeDeadline);
        await runtimes.Get(record.Handler).KillAsync(record.Id, signal, deadline.Token);
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
