using Microsoft.Extensions.Logging;

namespace Gantry.Concurrency;

/// <summary>
/// The undo steps of an operation of several steps. Each step pushes its undo, before it begins where a half-done step
/// needs undoing too; <see cref="Commit"/> is the last line. Disposed without it, the undos run in reverse order; one that
/// fails is logged and the others still run. An undo must be idempotent and takes no caller's token.
/// </summary>
public sealed class RollbackStack(ILogger log) : IAsyncDisposable
{
    private readonly Stack<(string Step, Func<Task> Undo)> _undos = new();

    /// <summary>Adds the undo of <paramref name="step"/>, a phrase such as "attach network".</summary>
    public void Push(string step, Func<Task> undo) => _undos.Push((step, undo));

    /// <inheritdoc cref="Push(string, Func{Task})"/>
    public void Push(string step, Action undo) => Push(step, () =>
    {
        undo();
        return Task.CompletedTask;
    });

    /// <summary>The operation is done: nothing is undone any more.</summary>
    public void Commit() => _undos.Clear();

    public async ValueTask DisposeAsync()
    {
        while (_undos.TryPop(out var entry))
        {
            try
            {
                await entry.Undo();
            }
            catch (Exception e)
            {
                log.UndoFailed(entry.Step, e);
            }
        }
    }
}
