using Gantry.Linux.Processes;

namespace Gantry.Concurrency;

/// <summary>
/// Work that blocks its thread (a disk's flush, the deletion of a large tree, unpacking) on a thread of its own: the pool's
/// few threads answer calls.
/// </summary>
public static class BlockingWork
{
    private const int StackSize = 512 << 10;

    /// <summary>Runs the work to its end, behind whatever else the processors have to do.</summary>
    /// <param name="name">The thread's name, at most 15 characters.</param>
    public static Task<T> RunAsync<T>(string name, Func<T> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            ThreadNiceness.YieldToOthers();
            try
            {
                done.TrySetResult(work());
            }
            catch (OperationCanceledException e)
            {
                done.TrySetCanceled(e.CancellationToken);
            }
            catch (Exception e)
            {
                done.TrySetException(e);
            }
        }, StackSize)
        {
            IsBackground = true,
            Name = name,
        };
        thread.Start();
        return done.Task;
    }

    /// <inheritdoc cref="RunAsync{T}(string, Func{T})"/>
    public static Task RunAsync(string name, Action work) => RunAsync(name, () =>
    {
        work();
        return true;
    });
}
