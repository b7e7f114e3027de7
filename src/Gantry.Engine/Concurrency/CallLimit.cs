using Gantry.Faults;

namespace Gantry.Concurrency;

/// <summary>
/// How many calls of one kind may run at the same time. Each call has a deadline of its own, so that hung ones give their
/// places back; who finds no place waits for one, but not for ever.
/// </summary>
/// <param name="what">The kind, as "CNI plugins", for the message.</param>
/// <param name="most">Places.</param>
/// <param name="patience">How long to wait for a place.</param>
/// <param name="time">The clock.</param>
public sealed class CallLimit(string what, int most, TimeSpan patience, TimeProvider time)
{
    private readonly SemaphoreSlim _places = new(most, most);

    /// <summary>Waits for a place; dispose what it returns to give it back.</summary>
    /// <exception cref="UnavailableException">None became free in time.</exception>
    /// <exception cref="OperationCanceledException">The caller stopped waiting.</exception>
    public async ValueTask<IDisposable> EnterAsync(CancellationToken cancel)
    {
        if (!_places.Wait(0, cancel))
            await WaitAsync(cancel);
        return new Held(() => _places.Release());
    }

    private async Task WaitAsync(CancellationToken cancel)
    {
        using var limit = new CancellationTokenSource(patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        try
        {
            await _places.WaitAsync(both.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new UnavailableException(
                $"{most} {what} run already, and none has ended within {patience.TotalSeconds:0.###} s: one that hangs is ended at its deadline; try again");
        }
    }

    private sealed class Held(Action leave) : IDisposable
    {
        private Action? _leave = leave;

        public void Dispose() => Interlocked.Exchange(ref _leave, null)?.Invoke();
    }
}
