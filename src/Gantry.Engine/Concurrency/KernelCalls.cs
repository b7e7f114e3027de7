using Gantry.Faults;

namespace Gantry.Concurrency;

/// <summary>
/// Runs work whose system calls the kernel may never answer, as a look at a mount whose server is gone, each on a thread of
/// its own. The caller waits until the deadline; a thread that hangs stays until the kernel lets it go, and keeps its place.
/// </summary>
public sealed class KernelCalls(int most, TimeSpan deadline, TimeProvider time)
{
    private readonly CallLimit _limit = new("looks at file systems that may hang", most, deadline, time);

    /// <summary>Runs <paramref name="work"/> and returns what it returns.</summary>
    /// <param name="subject">What the message of a time-out begins with, as "container web: reading its mounts' sources".</param>
    /// <param name="work">Its token says that nobody waits any more: it must look at it before each step that leaves something behind.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="TimedOutException">The work has not ended in time.</exception>
    /// <exception cref="UnavailableException">Too many others hang.</exception>
    public async Task<T> RunAsync<T>(string subject, Func<CancellationToken, T> work, CancellationToken cancel)
    {
        var place = await _limit.EnterAsync(cancel);
        // Not disposed: a thread that hangs looks at it when it is let go.
        var given = new CancellationTokenSource();
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() => Run(work, done, place, given.Token)) { IsBackground = true, Name = "kernel call" }.Start();
        try
        {
            return await done.Task.WaitAsync(deadline, time, cancel);
        }
        catch (TimeoutException)
        {
            await given.CancelAsync();
            throw new TimedOutException(
                $"{subject} has not ended within {deadline.TotalSeconds:0.###} s: the kernel does not answer; look for an unreachable NFS or FUSE mount");
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            await given.CancelAsync();
            throw;
        }
    }

    private static void Run<T>(Func<CancellationToken, T> work, TaskCompletionSource<T> done, IDisposable place, CancellationToken given)
    {
        using (place)
        {
            try
            {
                done.TrySetResult(work(given));
            }
            catch (Exception e)
            {
                done.TrySetException(e);
                // Where the caller has left, nobody else looks at it.
                _ = done.Task.Exception;
            }
        }
    }
}
