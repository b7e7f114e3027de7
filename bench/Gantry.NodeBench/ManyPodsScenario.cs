using System.Diagnostics;
using Gantry.Cri.Api;

namespace Gantry.NodeBench;

/// <summary>Many pods that run at once: how fast they come, what lists and commands cost beside them, and what they weigh.</summary>
public sealed class ManyPodsScenario(Peer peer, PodScenario pods, int count)
{
    private const int Parallel = 8;

    /// <summary>One after the other, at once: how long the kernel lets one wait that comes alone depends on when the last one was.</summary>
    private const int Commands = 50;

    public async Task RunAsync(Samples samples)
    {
        var running = new List<(string Pod, string Container)>();
        var first = await pods.StartAsync(new Samples());
        for (var n = 0; n < Commands; n++)
            await pods.ExecAsync(samples, "ExecSync true, no pod beside", first.Container);
        await pods.EndAsync(first, new Samples());
        var began = Stopwatch.GetTimestamp();
        await ForAllAsync(Enumerable.Range(0, count), async _ =>
        {
            var pod = await pods.StartAsync(new Samples());
            lock (running)
                running.Add(pod);
        });
        samples.Add($"start {count} pods, {Parallel} at a time", Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        for (var n = 0; n < Commands; n++)
            await pods.ExecAsync(samples, "ExecSync true, pods beside", running[n % running.Count].Container);
        for (var n = 0; n < Commands; n++)
            await MeasureAsync(samples);
        Memory.Print(peer, $"with {count} pods");
        began = Stopwatch.GetTimestamp();
        await ForAllAsync(running, pod => pods.EndAsync(pod, new Samples()));
        samples.Add($"end {count} pods, {Parallel} at a time", Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        await Task.Delay(TimeSpan.FromSeconds(15));
        Memory.Print(peer, $"{count} pods have come and gone");
    }

    private async Task MeasureAsync(Samples samples)
    {
        var runtime = peer.Cri.Runtime;
        await samples.TimeAsync("ListPodSandbox", async () => await runtime.ListPodSandboxAsync(new ListPodSandboxRequest()));
        await samples.TimeAsync("ListContainers", async () => await runtime.ListContainersAsync(new ListContainersRequest()));
        await samples.TimeAsync("Status", async () => await runtime.StatusAsync(new StatusRequest()));
        try
        {
            await samples.TimeAsync("ListContainerStats", async () => await runtime.ListContainerStatsAsync(new ListContainerStatsRequest()));
        }
        catch (Grpc.Core.RpcException e) when (e.StatusCode is Grpc.Core.StatusCode.Unimplemented)
        {
            samples.Add("ListContainerStats", double.NaN);
        }
    }

    private static Task ForAllAsync<T>(IEnumerable<T> items, Func<T, Task> run) =>
        System.Threading.Tasks.Parallel.ForEachAsync(items, new ParallelOptions { MaxDegreeOfParallelism = Parallel }, async (item, _) => await run(item));
}
