using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Gantry.Api;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Grpc.Core;
using Xunit;

namespace Gantry.NodeTests.Statistics;

/// <summary>Pods without a kubelet are in none of the kubelet's answers; the command line shows them.</summary>
public sealed class LocalPodTests(NodeNetwork network)
{
    private const string Manifest = """
        apiVersion: v1
        kind: Pod
        metadata: { name: local }
        spec:
          containers:
          - name: main
            image: docker.io/library/busybox:1.36
            command: ["sleep", "100000"]
        """;

    [Fact]
    public async Task LocalPod_Runs_IsInNoAnswerOfTheCri()
    {
        await using var node = await GantryNode.StartAsync(network);
        using var cri = node.Runtime.GetContainerEvents(new GetEventsRequest());
        await cri.ResponseHeadersAsync;
        using var own = new GantryService.GantryServiceClient(node.Cri.Channel).WatchEvents(new WatchEventsRequest());
        await own.ResponseHeadersAsync;

        Run(node);

        Assert.Empty((await node.Runtime.ListContainerStatsAsync(new ListContainerStatsRequest())).Stats);
        Assert.Empty((await node.Runtime.ListPodSandboxStatsAsync(new ListPodSandboxStatsRequest())).Stats);
        Assert.Empty((await node.Runtime.ListPodSandboxMetricsAsync(new ListPodSandboxMetricsRequest())).PodMetrics);
        Assert.Empty(await ReadAllAsync(node.Runtime.StreamContainers(new StreamContainersRequest())));
        Assert.Empty(await ReadAllAsync(node.Runtime.StreamPodSandboxes(new StreamPodSandboxesRequest())));
        Assert.Empty(await ReadAllAsync(node.Runtime.StreamContainerStats(new StreamContainerStatsRequest())));
        // The local pod's events are told to Gantry's readers; by the time of the last one, the CRI's have been told nothing.
        await UntilAsync(own, "local", "main");
        var kubelets = new PodSandboxConfig { Metadata = new PodSandboxMetadata { Name = "kubelets", Namespace = "default", Uid = "1" }, Linux = new LinuxPodSandboxConfig { CgroupParent = node.CgroupParent } };
        await node.Runtime.RunPodSandboxAsync(new RunPodSandboxRequest { Config = kubelets });
        Assert.True(await cri.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        Assert.Equal("kubelets", cri.ResponseStream.Current.PodSandboxStatus.Metadata.Name);

        Remove(node);
    }

    [Fact]
    public async Task Stats_OfTheCommandLine_ShowLocalPods()
    {
        await using var node = await GantryNode.StartAsync(network);
        Run(node);

        var (code, output) = node.Gantry("stats", "-o", "json");

        Assert.Equal(0, code);
        var sample = Assert.Single(JsonNode.Parse(output)!.AsArray())!;
        Assert.Equal("main", (string)sample["name"]!);
        Assert.Equal("local", (string)sample["pod"]!["name"]!);
        Assert.True((long)sample["memory"]!["workingSetBytes"]! > 0);
        Assert.NotNull(sample["cpu"]!["cores"]);
        Assert.Contains("main", node.Gantry("stats", "local").Output, StringComparison.Ordinal);
        Assert.NotEqual(0, node.Gantry("stats", "nobody").Code);
        Remove(node);
    }

    [Fact]
    public async Task Events_OfTheCommandLine_ShowLocalPods()
    {
        await using var node = await GantryNode.StartAsync(network);
        using var process = Process.Start(new ProcessStartInfo($"{NodeNetwork.Programs}/gantry", ["--endpoint", $"unix://{node.Socket}", "events", "-o", "json", "default/local"]) { RedirectStandardOutput = true })!;
        var lines = new ConcurrentQueue<string>();
        process.OutputDataReceived += (_, line) => lines.Enqueue(line.Data ?? "");
        process.BeginOutputReadLine();

        // It does not tell when it has begun to listen.
        await NodeNetwork.WaitForAsync(
            () =>
            {
                Run(node);
                Remove(node);
                return Task.FromResult(lines.Any(line => line.Contains("\"deleted\"", StringComparison.Ordinal)));
            },
            TimeSpan.FromMinutes(2), "an event");

        process.Kill();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        var events = lines.Where(line => line.Length > 0).Select(line => JsonNode.Parse(line)!).ToList();
        Assert.All(events, happened => Assert.Equal("local", (string)happened["pod"]!["name"]!));
        Assert.Contains(events, happened => (string)happened["kind"]! == "container" && (string)happened["event"]! is "stopped" or "deleted");
    }

    private static void Run(GantryNode node)
    {
        var file = Path.Combine(node.Directory, "pod.yaml");
        File.WriteAllText(file, Manifest);
        var (code, output) = node.Gantry("run", file);
        Assert.True(code == 0, output);
    }

    private static void Remove(GantryNode node)
    {
        var (code, output) = node.Gantry("rm", "-f", "local");
        Assert.True(code == 0, output);
    }

    private static async Task UntilAsync(AsyncServerStreamingCall<ContainerEventResponse> call, string pod, string container)
    {
        while (await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken))
        {
            var happened = call.ResponseStream.Current;
            if (happened.PodSandboxStatus.Metadata.Name == pod && happened.ContainerEventType == ContainerEventType.ContainerStartedEvent
                && happened.ContainersStatuses.Any(status => status.Id == happened.ContainerId && status.Metadata.Name == container))
                return;
        }
        Assert.Fail("the stream of events has ended");
    }

    private static async Task<List<T>> ReadAllAsync<T>(AsyncServerStreamingCall<T> call)
    {
        using (call)
        {
            var all = new List<T>();
            await foreach (var part in call.ResponseStream.ReadAllAsync(TestContext.Current.CancellationToken))
                all.Add(part);
            return all;
        }
    }
}
