namespace Gantry.Concurrency;

/// <summary>
/// Runs one operation a key at a time, and lets everyone who asks for the same key meanwhile share its result. The
/// operation belongs to nobody: a caller's token ends only that caller's wait, so a kubelet's retry finds the run that its
/// first call began.
/// </summary>
public sealed class SharedOperations<TKey, TResult>
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TKey, Task<TResult>> _running = [];

    /// <summary>Joins the run of <paramref name="key"/>, or starts it.</summary>
    /// <exception cref="OperationCanceledException">The caller stopped waiting; the run goes on.</exception>
    public Task<TResult> JoinAsync(TKey key, Func<Task<TResult>> start, CancellationToken cancel)
    {
        Task<TResult> task;
        lock (_lock)
        {
            if (!_running.TryGetValue(key, out task!))
            {
                task = RunAsync(key, start);
                if (!task.IsCompleted)
                    _running.Add(key, task);
            }
        }
        return task.WaitAsync(cancel);
    }

    /// <summary>Whether a run of that key is under way.</summary>
    public bool IsRunning(TKey key)
    {
        lock (_lock)
            return _running.ContainsKey(key);
    }

    private async Task<TResult> RunAsync(TKey key, Func<Task<TResult>> start)
    {
        // Not under the lock, and not on the caller's stack: the first caller may leave.
        await Task.Yield();
        try
        {
            return await start();
        }
        finally
        {
            lock (_lock)
                _running.Remove(key);
        }
    }
}
