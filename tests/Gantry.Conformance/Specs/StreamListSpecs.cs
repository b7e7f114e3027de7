using Gantry.Cri.Api;
using Google.Protobuf;
using Grpc.Core;

namespace Gantry.Conformance.Specs;

/// <summary>The lists that are sent in parts: they tell the same as those that are sent whole.</summary>
internal static class StreamListSpecs
{
    public static IReadOnlyList<Spec> All { get; } =
    [
        new("streams/pods", "StreamPodSandboxes tells what ListPodSandbox does, filters too", PodsAsync),
        new("streams/containers", "StreamContainers tells what ListContainers does, filters too", ContainersAsync),
        new("streams/images", "StreamImages tells what ListImages does, filters too", ImagesAsync),
        new("streams/container-stats", "StreamContainerStats tells of the containers that ListContainerStats does", ContainerStatsAsync),
        new("streams/pod-stats", "StreamPodSandboxStats tells of the pods that ListPodSandboxStats does", PodStatsAsync),
        new("streams/metrics", "StreamPodSandboxMetrics tells of the pods that ListPodSandboxMetrics does", MetricsAsync),
        new("streams/nothing", "a filter that fits nothing gives a stream without an element, and no error", NothingAsync),
        new("streams/parts", "no part comes near the 16 MiB that a kubelet takes, and nothing is lost between parts", PartsAsync),
    ];

    private static async Task<List<T>> ReadAsync<T>(AsyncServerStreamingCall<T> call)
    {
        using (call)
        {
            var parts = new List<T>();
            await foreach (var part in call.ResponseStream.ReadAllAsync())
                parts.Add(part);
            return parts;
        }
    }

    private static string Texts(IEnumerable<IMessage> messages) => string.Join('\n', messages.Select(message => message.ToString()).Order(StringComparer.Ordinal));

    private static string Ids(IEnumerable<string> ids) => string.Join('\n', ids.Order(StringComparer.Ordinal));

    private static async Task PodsAsync(SpecContext cri)
    {
        var mark = cri.UniqueName("mark");
        await cri.RunPodAsync(config => config.Labels["mark"] = mark);
        var stopped = await cri.RunPodAsync(config => config.Labels["mark"] = mark);
        await stopped.StopAsync();
        var marked = new PodSandboxFilter { LabelSelector = { ["mark"] = mark } };
        var ready = new PodSandboxFilter(marked) { State = new PodSandboxStateValue { State = PodSandboxState.SandboxReady } };
        foreach (var filter in new[] { marked, ready })
        {
            var list = await cri.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest { Filter = filter });
            var stream = await ReadAsync(cri.Runtime.StreamPodSandboxes(new StreamPodSandboxesRequest { Filter = filter }));
            Check.Equal(Texts(list.Items), Texts(stream.SelectMany(part => part.PodSandboxes)));
        }
    }

    private static async Task ContainersAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        await pod.CreateShellAsync("true");
        var running = await pod.RunShellAsync("sleep 1000");
        var ofPod = new ContainerFilter { PodSandboxId = pod.Id };
        foreach (var filter in new[] { ofPod, new ContainerFilter { Id = running.Id }, new ContainerFilter(ofPod) { State = new ContainerStateValue { State = ContainerState.ContainerCreated } } })
        {
            var list = await cri.Runtime.ListContainersAsync(new ListContainersRequest { Filter = filter });
            var stream = await ReadAsync(cri.Runtime.StreamContainers(new StreamContainersRequest { Filter = filter }));
            Check.True(list.Containers.Count > 0);
            Check.Equal(Texts(list.Containers), Texts(stream.SelectMany(part => part.Containers)));
        }
    }

    private static async Task ImagesAsync(SpecContext cri)
    {
        await cri.PullAsync(cri.Settings.Busybox);
        foreach (var filter in new[] { null, new ImageFilter { Image = new ImageSpec { Image = cri.Settings.Busybox } } })
        {
            // Other specs may pull between the two calls.
            await Check.EventuallyAsync(
                async () =>
                {
                    var list = await cri.Images.ListImagesAsync(new ListImagesRequest { Filter = filter });
                    var stream = await ReadAsync(cri.Images.StreamImages(new StreamImagesRequest { Filter = filter }));
                    return list.Images.Count > 0 && Texts(list.Images) == Texts(stream.SelectMany(part => part.Images));
                },
                "both tell the same images");
        }
    }

    private static async Task ContainerStatsAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        await pod.RunShellAsync("sleep 1000");
        await pod.RunShellAsync("sleep 1000");
        var filter = new ContainerStatsFilter { PodSandboxId = pod.Id };
        var list = await cri.Runtime.ListContainerStatsAsync(new ListContainerStatsRequest { Filter = filter });
        var stream = await ReadAsync(cri.Runtime.StreamContainerStats(new StreamContainerStatsRequest { Filter = filter }));
        Check.Equal(Ids(list.Stats.Select(stats => stats.Attributes.Id)), Ids(stream.SelectMany(part => part.ContainerStats).Select(stats => stats.Attributes.Id)));
        Check.True(stream.SelectMany(part => part.ContainerStats).All(stats => stats.Cpu is not null && stats.Memory is not null));
    }

    private static async Task PodStatsAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        await pod.RunShellAsync("sleep 1000");
        var stream = await ReadAsync(cri.Runtime.StreamPodSandboxStats(new StreamPodSandboxStatsRequest { Filter = new PodSandboxStatsFilter { Id = pod.Id } }));
        var stats = stream.SelectMany(part => part.PodSandboxStats).Single();
        Check.Equal(pod.Id, stats.Attributes.Id);
        Check.Equal(1, stats.Linux.Containers.Count);
    }

    private static async Task MetricsAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        await pod.RunShellAsync("sleep 1000");
        var list = await cri.Runtime.ListPodSandboxMetricsAsync(new ListPodSandboxMetricsRequest());
        var stream = await ReadAsync(cri.Runtime.StreamPodSandboxMetrics(new StreamPodSandboxMetricsRequest()));
        string Names(IEnumerable<PodSandboxMetrics> all) =>
            Ids(all.Where(metrics => metrics.PodSandboxId == pod.Id).SelectMany(metrics => metrics.Metrics.Concat(metrics.ContainerMetrics.Single().Metrics)).Select(metric => metric.Name));
        Check.True(Names(list.PodMetrics).Length > 0);
        Check.Equal(Names(list.PodMetrics), Names(stream.SelectMany(part => part.PodSandboxMetrics)));
    }

    private static async Task NothingAsync(SpecContext cri)
    {
        var nobody = new string('e', 64);
        Check.Equal(0, (await ReadAsync(cri.Runtime.StreamPodSandboxes(new StreamPodSandboxesRequest { Filter = new PodSandboxFilter { Id = nobody } }))).Sum(part => part.PodSandboxes.Count));
        Check.Equal(0, (await ReadAsync(cri.Runtime.StreamContainers(new StreamContainersRequest { Filter = new ContainerFilter { Id = nobody } }))).Sum(part => part.Containers.Count));
        Check.Equal(0, (await ReadAsync(cri.Runtime.StreamContainerStats(new StreamContainerStatsRequest { Filter = new ContainerStatsFilter { Id = nobody } }))).Sum(part => part.ContainerStats.Count));
        var images = new StreamImagesRequest { Filter = new ImageFilter { Image = new ImageSpec { Image = "example.com/nobody/knows:1" } } };
        Check.Equal(0, (await ReadAsync(cri.Images.StreamImages(images))).Sum(part => part.Images.Count));
    }

    private static async Task PartsAsync(SpecContext cri)
    {
        // An annotation may be as large as a record that the API server stores: some of them make an answer of several MiB.
        const int Pods = 12;
        var mark = cri.UniqueName("mark");
        for (var n = 0; n < Pods; n++)
        {
            await cri.RunPodAsync(config =>
            {
                config.Labels["mark"] = mark;
                config.Annotations["large"] = new string('x', 250 << 10);
            });
        }
        var filter = new PodSandboxFilter { LabelSelector = { ["mark"] = mark } };
        var parts = await ReadAsync(cri.Runtime.StreamPodSandboxes(new StreamPodSandboxesRequest { Filter = filter }));
        Check.Equal(Pods, parts.SelectMany(part => part.PodSandboxes).DistinctBy(pod => pod.Id).Count());
        Check.Equal(Pods, parts.Sum(part => part.PodSandboxes.Count));
        Check.True(parts.All(part => part.CalculateSize() < 4 << 20));
    }
}
