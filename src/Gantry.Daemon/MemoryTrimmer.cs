using System.Runtime;

namespace Gantry;

/// <summary>
/// Gives memory back to the node after the start and after busy times. The collector grows its heap by what it sees while
/// pods come and images are pulled, and by itself gives little back while the daemon idles, which is most of its life.
/// </summary>
public sealed class MemoryTrimmer(TimeProvider time)
{
    private const long WorthATrim = 3 << 20;
    private const long Quiet = 16 << 20;
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(5);
    private long _allocatedAtTrim;

    /// <summary>Runs until the token ends. A trim holds all threads for some ten milliseconds, so it waits for a quiet interval.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(_interval, time);
        var before = 0L;
        while (await timer.WaitForNextTickAsync(cancel))
        {
            var now = GC.GetTotalAllocatedBytes();
            if (now - before < Quiet && now - _allocatedAtTrim > WorthATrim)
            {
                Trim();
                now = _allocatedAtTrim = GC.GetTotalAllocatedBytes();
            }
            before = now;
        }
    }

    private static void Trim()
    {
        GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        Linux.Processes.NativeMemory.Trim();
        Linux.Processes.NativeMemory.ReleaseProgram();
    }
}
