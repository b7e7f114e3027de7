using System.Threading.Channels;
using Gantry.Linux.Processes;

namespace Gantry.Linux.Namespaces;

/// <summary>
/// A thread with a mount namespace of its own (mount_namespaces(7)), in which it starts programs: a child has the namespaces
/// of the thread that made it. The process's other threads see nothing of it. Thread and namespace live as long as the process.
/// </summary>
public sealed class SpawnThread
{
    private readonly Channel<(SpawnRequest Request, TaskCompletionSource<int> Started)> _requests = Channel.CreateUnbounded<(SpawnRequest, TaskCompletionSource<int>)>();

    private SpawnThread()
    {
    }

    /// <summary>Makes the thread.</summary>
    /// <param name="prepare">Run on it, in the new namespace, which has a copy of every mount.</param>
    /// <exception cref="SyscallException">The kernel refused the namespace, or what <paramref name="prepare"/> threw; the thread has ended.</exception>
    public static async Task<SpawnThread> StartAsync(Action prepare)
    {
        var prepared = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var spawner = new SpawnThread();
        var thread = NamespaceThread.RunAsync(NamespaceKinds.Mount, () =>
        {
            // The directory of this thread alone, since the namespace is: it may lie on a mount that goes.
            WorkingDirectory.Change("/");
            prepare();
            prepared.SetResult();
            spawner.Serve();
        });
        // The thread ends only where it did not come so far.
        await await Task.WhenAny(prepared.Task, thread);
        return spawner;
    }

    /// <summary>As <see cref="ProcessSpawn.Start(SpawnRequest)"/>, on this thread. The request's descriptors stay the caller's, who keeps them open until then.</summary>
    /// <exception cref="SyscallException">It cannot be started.</exception>
    public Task<int> SpawnAsync(SpawnRequest request)
    {
        var started = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        _requests.Writer.TryWrite((request, started));
        return started.Task;
    }

    private void Serve()
    {
        foreach (var (request, started) in _requests.Reader.ReadAllAsync().ToBlockingEnumerable())
        {
            try
            {
                started.SetResult(ProcessSpawn.Start(request));
            }
            catch (Exception e)
            {
                started.SetException(e);
            }
        }
    }
}
