namespace Gantry.Images;

/// <summary>Many pulls at a time, or one removal: a removal must not delete what a pull counts on.</summary>
internal sealed class ImageUseGate
{
    private const int Many = 10_000;
    private readonly SemaphoreSlim _slots = new(Many, Many);
    private readonly SemaphoreSlim _removals = new(1, 1);

    /// <summary>For a pull.</summary>
    public async Task<IDisposable> EnterAsync(CancellationToken cancel)
    {
        await _removals.WaitAsync(cancel);
        try
        {
            await _slots.WaitAsync(cancel);
        }
        finally
        {
            _removals.Release();
        }
        return new Held(() => _slots.Release());
    }

    /// <summary>For a removal; null while a pull is under way, when what would be deleted is left for the next time.</summary>
    public IDisposable? TryEnterAlone()
    {
        if (!_removals.Wait(0))
            return null;
        if (_slots.CurrentCount == Many)
            return new Held(() => _removals.Release());
        _removals.Release();
        return null;
    }

    private sealed class Held(Action release) : IDisposable
    {
        private Action? _release = release;

        public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
    }
}
