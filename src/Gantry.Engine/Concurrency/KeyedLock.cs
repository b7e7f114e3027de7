namespace Gantry.Concurrency;

/// <summary>A lock for each key: whoever holds one delays only others of the same key. Not re-entrant.</summary>
/// <param name="most">How many may hold a key's lock at the same time.</param>
public sealed class KeyedLock<TKey>(int most = 1)
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TKey, Entry> _entries = [];

    /// <summary>Waits for the key's lock; dispose what it returns to release it.</summary>
    /// <exception cref="OperationCanceledException">The caller stopped waiting.</exception>
    public async ValueTask<IDisposable> EnterAsync(TKey key, CancellationToken cancel)
    {
        Entry entry;
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out entry!))
                _entries.Add(key, entry = new Entry(most));
            entry.Users++;
        }
        try
        {
            await entry.Gate.WaitAsync(cancel);
        }
        catch
        {
            Leave(key, entry);
            throw;
        }
        return new Held(this, key, entry);
    }

    private void Leave(TKey key, Entry entry)
    {
        lock (_lock)
        {
            if (--entry.Users == 0)
                _entries.Remove(key);
        }
    }

    private sealed class Entry(int most)
    {
        public SemaphoreSlim Gate { get; } = new(most, most);

        public int Users { get; set; }
    }

    private sealed class Held(KeyedLock<TKey> owner, TKey key, Entry entry) : IDisposable
    {
        private bool _released;

        public void Dispose()
        {
            if (_released)
                return;
            _released = true;
            entry.Gate.Release();
            owner.Leave(key, entry);
        }
    }
}
