using System.Buffers;
using System.Collections.Concurrent;
using Gantry.Identity;
using Gantry.Linux;
using Gantry.Linux.Files;
using Gantry.Linux.Namespaces;
using Gantry.Persistence;

namespace Gantry.Networking;

/// <summary>
/// Reads the counters of pods' interfaces from inside their network namespaces: one thread a call enters one after the
/// other, and dies. The kernel's table is used, and not netlink, since reading it takes no lock that a plugin at work holds.
/// </summary>
public sealed class NetworkCounters(NodePaths paths, TimeProvider time)
{
    private const int MostThreads = 4;
    private const int TableSize = 64 * 1024;
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(2);
    private readonly SemaphoreSlim _threads = new(MostThreads);

    /// <summary>
    /// The interfaces of each pod, the loopback left out. A pod whose namespace is gone is missing; so are those that were
    /// not reached within two seconds.
    /// </summary>
    public async Task<IReadOnlyDictionary<PodId, IReadOnlyList<InterfaceCounters>>> ReadAsync(IReadOnlyList<PodId> pods, CancellationToken cancel)
    {
        var found = new ConcurrentDictionary<PodId, IReadOnlyList<InterfaceCounters>>();
        if (pods.Count == 0)
            return found;
        try
        {
            var started = time.GetTimestamp();
            if (!await _threads.WaitAsync(_deadline, cancel))
                return found;
            // Not awaited here: a thread that hangs in the kernel keeps its place until it returns, and nobody waits for it.
            var reading = ReadAllAsync(pods, found, started);
            await reading.WaitAsync(_deadline, time, cancel);
        }
        catch (TimeoutException)
        {
            // What has been read is worth telling.
        }
        return found;
    }

    private async Task ReadAllAsync(IReadOnlyList<PodId> pods, ConcurrentDictionary<PodId, IReadOnlyList<InterfaceCounters>> found, long started)
    {
        try
        {
            await NamespaceThread.RunAsync(NamespaceKinds.None, () =>
            {
                var buffer = ArrayPool<byte>.Shared.Rent(TableSize);
                foreach (var pod in pods)
                {
                    if (time.GetElapsedTime(started) > _deadline)
                        break;
                    if (TryRead(paths.PodNamespace(pod, "net"), buffer) is { } interfaces)
                        found[pod] = interfaces;
                }
                ArrayPool<byte>.Shared.Return(buffer);
            });
        }
        finally
        {
            _threads.Release();
        }
    }

    private static IReadOnlyList<InterfaceCounters>? TryRead(string netns, byte[] buffer)
    {
        try
        {
            NamespaceThread.Enter(netns, NamespaceKinds.Network);
        }
        catch (SyscallException)
        {
            // Unpinned meanwhile, or no descriptor is left: one pod's counters are no reason to tell of no pod at all.
            return null;
        }
        // Not /proc/net or /proc/self/net: those are the first thread's.
        return KernelFile.TryRead("/proc/thread-self/net", "dev"u8, buffer) is > 0 and var length ? InterfaceCounters.Parse(buffer.AsSpan(0, length)) : null;
    }
}
