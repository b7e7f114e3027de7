using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Gantry.NodeBench;

/// <summary>What lists cost on a full node on which pods come and go all the time, as a kubelet asks for them.</summary>
public sealed class ChurnScenario(Peer peer, string image, int containers, TimeSpan duration)
{
    private const int ContainersPerPod = 5;
    private const int PodsPerSecond = 8;

    /// <summary>On a machine that can't keep the pace, pods must not pile up: the rate that was reached is told.</summary>
    private const int MostAtOnce = 8;

    /// <summary>On the node's network: with CNI's plugins, two cores come to less than a third of the pace.</summary>
    private readonly PodScenario _pods = new(peer, image, hostNetwork: true);

    public async Task RunAsync(Samples samples)
    {
        var standing = new List<(string Pod, string Container)>();
        for (var n = 0; n < containers / ContainersPerPod; n++)
            standing.Add(await _pods.StartAsync(new Samples(), ContainersPerPod));
        using var lists = new ListReader(peer);
        // Unmeasured: the reader's own code is compiled by then.
        for (var n = 0; n < 50; n++)
            await lists.ReadAsync(new Samples(), "");
        for (var n = 0; n < 200; n++)
            await lists.ReadAsync(samples, "at rest");

        using var end = new CancellationTokenSource(duration);
        var churn = ChurnAsync(samples, end.Token);
        while (!end.IsCancellationRequested)
        {
            await lists.ReadAsync(samples, "in churn");
            await Task.Delay(20);
        }
        await churn;
        Memory.Print(peer, $"with {containers} containers");
        foreach (var pod in standing)
            await _pods.EndAsync(pod, new Samples());
    }

    /// <summary>Begins pods at an even pace, and ends each as soon as it runs.</summary>
    private async Task ChurnAsync(Samples samples, CancellationToken end)
    {
        var (all, began) = (0, Stopwatch.GetTimestamp());
        await Parallel.ForEachAsync(PaceAsync(end), new ParallelOptions { MaxDegreeOfParallelism = MostAtOnce }, async (_, _) =>
        {
            await OneAsync(samples);
            Interlocked.Increment(ref all);
        });
        samples.Add("pods that came and went, a second", all / Stopwatch.GetElapsedTime(began).TotalSeconds);
    }

    private static async IAsyncEnumerable<int> PaceAsync([EnumeratorCancellation] CancellationToken end)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / PodsPerSecond));
        for (var n = 0; !end.IsCancellationRequested; n++)
        {
            await timer.WaitForNextTickAsync(CancellationToken.None);
            yield return n;
        }
    }

    private async Task OneAsync(Samples samples)
    {
        var began = Stopwatch.GetTimestamp();
        await _pods.EndAsync(await _pods.StartAsync(new Samples()), new Samples());
        samples.Add("a pod that comes and goes", Stopwatch.GetElapsedTime(began).TotalMilliseconds);
    }
}
