using System.Runtime;

namespace Gantry;

/// <summary>
/// Gives memory back to the node after the start and after busy times. The collector grows its heap by what it sees while
/// pods come and images are pulled, and by itself gives little back while the daemon idles, which is most of its life.
/// </summary>
public sealed class MemoryTrimmer(TimeProvider time)
{
    private const long WorthATrim = 3 << 20;
    private const long Busy = 32 << 20;
    private const long Quiet = 16 << 20;
    private const long Idle = 256 << 10;
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _seldom = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Runs until the token ends. A trim holds all threads for some ten milliseconds, so it waits for a quiet interval, and
    /// where a kubelet's questions are all that happens, comes once in two minutes.
    /// </summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(_interval, time);
        var (before, atTrim) = (0L, 0L);
        long? last = null;
        while (await timer.WaitForNextTickAsync(cancel))
        {
            var now = GC.GetTotalAllocatedBytes();
            var (interval, since) = (now - before, now - atTrim);
            // After the start it is the program's own pages that are given back.
            var isTime = last is null || (since > WorthATrim && (interval < Idle || since > Busy || time.GetElapsedTime(last.Value) > _seldom));
            if (interval < Quiet && isTime)
            {
                Trim();
                now = atTrim = GC.GetTotalAllocatedBytes();
                last = time.GetTimestamp();
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
