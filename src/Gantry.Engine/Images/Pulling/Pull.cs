namespace Gantry.Images.Pulling;

/// <summary>One pull under way and everyone who waits for it. It is cancelled when the last of them has left.</summary>
internal sealed class Pull(string image, long startedAt) : IProgress<PullProgress>
{
    private readonly Lock _lock = new();
    private readonly List<IProgress<PullProgress>> _listeners = [];
    private readonly CancellationTokenSource _cancel = new();
    private Task<ImageRecord>? _run;
    private int _callers;

    public string Image => image;

    /// <summary>A time stamp of the clock that the puller has.</summary>
    public long StartedAt => startedAt;

    public PullProgress Last { get; private set; } = new("resolving", []);

    /// <summary>Joins, and starts the run where this is the first; false where it has been given up already.</summary>
    public bool TryEnter(Func<CancellationToken, Task<ImageRecord>> start, IProgress<PullProgress>? listener, out Task<ImageRecord> run)
    {
        lock (_lock)
        {
            run = _run!;
            if (_cancel.IsCancellationRequested || _run is { IsCompleted: true })
                return false;
            _callers++;
            if (listener is not null)
                _listeners.Add(listener);
            run = _run ??= start(_cancel.Token);
            return true;
        }
    }

    /// <summary>Leaves; true where nobody is left.</summary>
    public bool Leave(IProgress<PullProgress>? listener)
    {
        lock (_lock)
        {
            if (listener is not null)
                _listeners.Remove(listener);
            if (--_callers > 0)
                return false;
        }
        _cancel.Cancel();
        return true;
    }

    public void Report(PullProgress value)
    {
        IProgress<PullProgress>[] listeners;
        lock (_lock)
        {
            Last = value;
            listeners = [.. _listeners];
        }
        foreach (var listener in listeners)
            listener.Report(value);
    }
}
