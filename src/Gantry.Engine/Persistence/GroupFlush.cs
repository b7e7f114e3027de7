using Gantry.Concurrency;
using Gantry.Linux.Files;

namespace Gantry.Persistence;

/// <summary>
/// Flushes a file system for all who ask at the same time: one flush that begins after a request serves it, so ten pulls
/// that end together cost two flushes and not ten.
/// </summary>
/// <param name="directory">Of the file system to flush; exists when it is asked for.</param>
public sealed class GroupFlush(string directory)
{
    private readonly Lock _lock = new();
    private Task _running = Task.CompletedTask;
    private Task? _next;

    /// <summary>Completes when everything that was written before the call is on the disk.</summary>
    /// <exception cref="Linux.SyscallException">The disk failed: what was written may be lost.</exception>
    public Task RunAsync()
    {
        lock (_lock)
            return _next ??= StartAsync(_running);
    }

    private async Task StartAsync(Task before)
    {
        // The one under way began before the caller's last write, perhaps.
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        Task flush;
        lock (_lock)
        {
            _next = null;
            _running = flush = BlockingWork.RunAsync("flush", () => DiskSpace.Flush(directory));
        }
        await flush;
    }
}
