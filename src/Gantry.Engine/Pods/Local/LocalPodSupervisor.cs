using System.Collections.Concurrent;
using Gantry.Containers;
using Gantry.Faults;
using Gantry.Linux;
using Microsoft.Extensions.Logging;

namespace Gantry.Pods.Local;

/// <summary>
/// Runs one local pod: its init containers in order, then its containers, restarting them by the pod's policy with the
/// kubelet's back-off: at once, then after 10 s, doubled up to 5 min, forgotten after 10 min of running.
/// </summary>
public sealed class LocalPodSupervisor
{
    private static readonly TimeSpan _longestDelay = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan _longRun = TimeSpan.FromMinutes(10);
    private readonly PodRecord _pod;
    private readonly LocalContainers _containers;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _ending;
    private readonly ConcurrentDictionary<string, string> _waiting = [];
    private readonly ConcurrentDictionary<string, TaskCompletionSource<string>> _firstStarts = [];
    private readonly Task _run;

    public LocalPodSupervisor(PodRecord pod, PodManifest manifest, LocalContainers containers, ILogger log, CancellationToken stopping)
    {
        _pod = pod;
        Manifest = manifest;
        _containers = containers;
        _log = log;
        _ending = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        foreach (var container in manifest.Containers)
        {
            _waiting[container.Spec.Name] = manifest.InitContainers.Count > 0 ? "PodInitializing" : "ContainerCreating";
            _firstStarts[container.Spec.Name] = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        _run = RunAsync(_ending.Token);
    }

    public PodManifest Manifest { get; }

    /// <summary>Whether every container has ended for good.</summary>
    public bool IsOver => _run.IsCompleted;

    /// <summary>Completes when every container has been started once, or has failed to.</summary>
    public async Task Started(IProgress<LocalPodProgress> progress)
    {
        foreach (var (_, start) in _firstStarts)
            progress.Report(new LocalPodProgress(await start.Task));
    }

    /// <summary>Ends the supervision; what runs goes on.</summary>
    public async Task EndAsync()
    {
        await _ending.CancelAsync();
        await _run;
        _ending.Dispose();
    }

    /// <summary>The pod's containers as the manifest names them.</summary>
    internal IReadOnlyList<LocalContainerStatus> Statuses(IReadOnlyList<ContainerRecord> own) =>
    [
        .. Manifest.Containers.Select(container => new LocalContainerStatus(
            container.Spec.Name, container.Spec.Image.Reference,
            own.Where(record => record.Spec.Name == container.Spec.Name).MaxBy(record => record.Spec.Attempt),
            _waiting.GetValueOrDefault(container.Spec.Name, ""))),
    ];

    private async Task RunAsync(CancellationToken cancel)
    {
        await Task.Yield();
        try
        {
            foreach (var init in Manifest.InitContainers)
            {
                if (!await KeepAsync(init, isInit: true, cancel))
                {
                    Tell($"init container {init.Spec.Name} failed, and the restart policy is Never");
                    return;
                }
            }
            await Task.WhenAll(Manifest.Containers.Select(container => KeepAsync(container, isInit: false, cancel)));
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            Tell("the pod is being stopped");
        }
    }

    /// <summary>Runs a container again and again until its policy is satisfied; whether it ended well.</summary>
    private async Task<bool> KeepAsync(ManifestContainer container, bool isInit, CancellationToken cancel)
    {
        var name = container.Spec.Name;
        var delay = TimeSpan.Zero;
        var isFirst = true;
        while (true)
        {
            var last = _containers.Attempts(_pod.Id, name).FirstOrDefault();
            if (last is null || !isFirst || last.State is ContainerState.Created)
                last = await TryStartAsync(container, last is null ? 0 : last.Spec.Attempt + 1, delay, cancel);
            isFirst = false;
            if (last is not null)
            {
                _waiting.TryRemove(name, out _);
                TellStarted(name, last);
                last = await _containers.WaitAsync(last.Id, cancel);
            }
            var succeeded = last?.End is { Code: 0 };
            if (last is not null && (isInit ? succeeded || Manifest.RestartPolicy is RestartPolicy.Never : !IsRestarted(succeeded)))
                return succeeded;
            if (last is { End: { } end } && end.FinishedAt - last.StartedAt > _longRun.Ticks * 100)
                delay = TimeSpan.Zero;
            if (delay > TimeSpan.Zero)
            {
                _waiting[name] = "CrashLoopBackOff";
                await Task.Delay(delay, _containers.Time, cancel);
            }
            delay = Next(delay);
        }
    }

    private TimeSpan Next(TimeSpan delay)
    {
        var next = delay == TimeSpan.Zero ? _containers.RestartDelay : delay * 2;
        return next < _longestDelay ? next : _longestDelay;
    }

    private bool IsRestarted(bool succeeded) => Manifest.RestartPolicy switch
    {
        RestartPolicy.Always => true,
        RestartPolicy.OnFailure => !succeeded,
        _ => false,
    };

    private async Task<ContainerRecord?> TryStartAsync(ManifestContainer container, uint attempt, TimeSpan delay, CancellationToken cancel)
    {
        try
        {
            return await _containers.StartAsync(_pod, Manifest, container, attempt, cancel);
        }
        catch (Exception e) when (e is GantryException or IOException or SyscallException or NotSupportedException)
        {
            _log.LocalContainerFailed(_pod.Id, container.Spec.Name, delay, e);
            Tell(container.Spec.Name, $"container {container.Spec.Name} could not be started: {e.Message}");
            // A container that was made and failed to start has a record that says why; without one there is nothing to wait for.
            var last = _containers.Attempts(_pod.Id, container.Spec.Name).FirstOrDefault();
            return last?.Spec.Attempt == attempt && last.State is ContainerState.Exited ? last : null;
        }
    }

    private void TellStarted(string name, ContainerRecord record) =>
        Tell(name, record.End is { Reason: "StartError" } end ? $"container {name} could not be started: {end.Message}" : $"started container {name}");

    private void Tell(string name, string message)
    {
        if (_firstStarts.TryGetValue(name, out var start))
            start.TrySetResult(message);
    }

    private void Tell(string message)
    {
        foreach (var start in _firstStarts.Values)
            start.TrySetResult(message);
    }
}
