using Gantry.Concurrency;
using Gantry.Faults;
using Gantry.Identity;

namespace Gantry.Pods;

/// <summary>
/// Who works in a pod: any number of creations of containers, or one stop. A stop does not wait out a creation that hangs:
/// it asks the creations to give up, and they roll back.
/// </summary>
public sealed class PodGate
{
    private readonly Lock _lock = new();
    private readonly Dictionary<PodId, Entry> _entries = [];
    private readonly KeyedLock<PodId> _stops = new();

    /// <summary>Begins a creation; dispose what it returns at its end.</summary>
    /// <exception cref="WrongStateException">The pod is being stopped.</exception>
    public PodCreation EnterCreation(PodId pod)
    {
        lock (_lock)
        {
            var entry = Open(pod);
            if (entry.Stops > 0)
                throw new WrongStateException($"pod {pod.Short} is being stopped: no container can be made in it any more");
            entry.Creations++;
            return new PodCreation(() => LeaveCreation(pod, entry), entry.GiveUp.Token);
        }
    }

    /// <summary>Begins a stop when no creation and no other stop is under way; dispose what it returns at its end.</summary>
    /// <exception cref="OperationCanceledException">The caller stopped waiting.</exception>
    public async Task<IDisposable> EnterStopAsync(PodId pod, CancellationToken cancel)
    {
        Entry entry;
        lock (_lock)
        {
            entry = Open(pod);
            entry.Stops++;
        }
        try
        {
            await entry.GiveUp.CancelAsync();
            await entry.Empty.WaitAsync(cancel);
            return new Held(await _stops.EnterAsync(pod, cancel), () => LeaveStop(pod, entry));
        }
        catch
        {
            LeaveStop(pod, entry);
            throw;
        }
    }

    private Entry Open(PodId pod)
    {
        if (!_entries.TryGetValue(pod, out var entry))
            _entries.Add(pod, entry = new Entry());
        return entry;
    }

    private void LeaveCreation(PodId pod, Entry entry)
    {
        lock (_lock)
        {
            entry.Creations--;
            Close(pod, entry);
        }
    }

    private void LeaveStop(PodId pod, Entry entry)
    {
        lock (_lock)
        {
            entry.Stops--;
            Close(pod, entry);
        }
    }

    private void Close(PodId pod, Entry entry)
    {
        if (entry.Creations > 0)
            return;
        entry.TellEmpty();
        if (entry.Stops == 0)
            _entries.Remove(pod);
    }

    private sealed class Entry
    {
        private TaskCompletionSource? _empty;
        private int _creations;

        public int Creations
        {
            get => _creations;
            set
            {
                _creations = value;
                if (value > 0)
                    _empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        public int Stops { get; set; }

        /// <summary>Never disposed: a creation may look at its token after the entry is gone.</summary>
        public CancellationTokenSource GiveUp { get; } = new();

        public Task Empty => _empty?.Task ?? Task.CompletedTask;

        public void TellEmpty()
        {
            _empty?.TrySetResult();
            _empty = null;
        }
    }

    private sealed class Held(IDisposable stop, Action leave) : IDisposable
    {
        public void Dispose()
        {
            stop.Dispose();
            leave();
        }
    }
}

/// <summary>A creation under way in a pod.</summary>
public sealed class PodCreation(Action leave, CancellationToken giveUp) : IDisposable
{
    /// <summary>The pod is to be stopped: undo what was begun.</summary>
    public CancellationToken GiveUp { get; } = giveUp;

    public void Dispose() => leave();
}
