using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Conformance.Specs;

/// <summary>The life of pods.</summary>
internal static class PodSpecs
{
    public static IReadOnlyList<Spec> All { get; } =
    [
        new("pods/ready", "a pod that RunPodSandbox made is ready and listed", ReadyAsync),
        new("pods/id", "a pod's id is 64 lowercase hexadecimal digits, as cAdvisor and Falco expect", IdAsync),
        new("pods/attributes", "metadata, labels and annotations come back exactly as they were sent", AttributesAsync),
        new("pods/created-at", "created_at is in nanoseconds and never 0", CreatedAtAsync),
        new("pods/same-metadata", "the same metadata again answers the same pod", SameMetadataAsync),
        new("pods/concurrent-run", "calls with the same metadata at the same time make one pod", ConcurrentRunAsync),
        new("pods/next-attempt", "the next attempt of a pod is another pod", NextAttemptAsync),
        new("pods/stop", "a stopped pod is NotReady, its containers have ended, and it can be stopped again", StopAsync),
        new("pods/remove", "a removed pod is gone with its containers, and can be removed again", RemoveAsync),
        new("pods/remove-ready", "removing a ready pod stops it first", RemoveReadyAsync),
        new("pods/stop-unknown", "stopping and removing a pod that does not exist succeed", StopUnknownAsync),
        new("pods/status-unknown", "the status of a pod that does not exist is NotFound", StatusUnknownAsync),
        new("pods/list-filters", "lists filter by id, id prefix, state and labels, all at once", ListFiltersAsync),
        new("pods/prefix", "an unambiguous prefix of an id finds the pod", PrefixAsync),
        new("pods/resources", "a pod's overhead and resources are told by its verbose status, and can be updated", ResourcesAsync),
        new("pods/create-in-stopped", "no container can be made in a stopped pod", CreateInStoppedAsync),
        new("pods/unknown-handler", "a handler that is not configured is refused", UnknownHandlerAsync),
    ];

    private static async Task ReadyAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        Check.Equal(PodSandboxState.SandboxReady, (await pod.StatusAsync()).State);
        var listed = (await cri.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest())).Items.Single(item => item.Id == pod.Id);
        Check.Equal(PodSandboxState.SandboxReady, listed.State);
    }

    private static async Task IdAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        Check.True(pod.Id.Length == 64 && pod.Id.All(char.IsAsciiHexDigitLower), pod.Id);
    }

    private static async Task AttributesAsync(SpecContext cri)
    {
        const string awkward = "a=b, \"c\" \n\t \\ ünïcode ✓";
        var pod = await cri.RunPodAsync(config =>
        {
            config.Metadata.Attempt = 2;
            config.Labels["label"] = awkward;
            config.Annotations["annotation"] = awkward;
            config.Annotations["large"] = new string('x', 100_000);
        });
        var status = await pod.StatusAsync();
        Check.Equal(pod.Config.Metadata, status.Metadata);
        Check.Equal(pod.Config.Labels, status.Labels);
        Check.Equal(pod.Config.Annotations, status.Annotations);
        var listed = (await cri.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest { Filter = new PodSandboxFilter { Id = pod.Id } })).Items.Single();
        Check.Equal(pod.Config.Metadata, listed.Metadata);
        Check.Equal(pod.Config.Labels, listed.Labels);
        Check.Equal(pod.Config.Annotations, listed.Annotations);
    }

    private static async Task CreatedAtAsync(SpecContext cri)
    {
        var before = DateTimeOffset.UtcNow;
        var pod = await cri.RunPodAsync();
        var created = DateTimeOffset.UnixEpoch.AddTicks((await pod.StatusAsync()).CreatedAt / 100);
        Check.True(created > before.AddSeconds(-1) && created < DateTimeOffset.UtcNow.AddSeconds(1), created.ToString("O"));
    }

    private static async Task SameMetadataAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var again = await cri.RunPodAsync(pod.Config);
        Check.Equal(pod.Id, again.Id);
    }

    private static async Task ConcurrentRunAsync(SpecContext cri)
    {
        var config = cri.PodConfig();
        var pods = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => cri.RunPodAsync(config)));
        Check.Equal(1, pods.Select(pod => pod.Id).Distinct().Count());
        var listed = (await cri.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest())).Items.Count(item => item.Metadata.Uid == config.Metadata.Uid);
        Check.Equal(1, listed);
    }

    private static async Task NextAttemptAsync(SpecContext cri)
    {
        var first = await cri.RunPodAsync();
        await first.StopAsync();
        var config = first.Config.Clone();
        config.Metadata.Attempt = 1;
        var second = await cri.RunPodAsync(config);
        Check.True(first.Id != second.Id);
        Check.Equal(PodSandboxState.SandboxNotready, (await first.StatusAsync()).State);
    }

    private static async Task StopAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("sleep 1000");
        await pod.StopAsync();
        Check.Equal(PodSandboxState.SandboxNotready, (await pod.StatusAsync()).State);
        Check.Equal(ContainerState.ContainerExited, (await container.StatusAsync()).State);
        await pod.StopAsync();
    }

    private static async Task RemoveAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("true");
        await pod.StopAsync();
        await cri.Runtime.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = pod.Id });
        await Check.FailsAsync(StatusCode.NotFound, () => pod.StatusAsync());
        await Check.FailsAsync(StatusCode.NotFound, () => container.StatusAsync());
        await cri.Runtime.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = pod.Id });
    }

    private static async Task RemoveReadyAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        await pod.RunShellAsync("sleep 1000");
        await cri.Runtime.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = pod.Id });
        await Check.FailsAsync(StatusCode.NotFound, () => pod.StatusAsync());
    }

    private static async Task StopUnknownAsync(SpecContext cri)
    {
        var id = new string('0', 64);
        await cri.Runtime.StopPodSandboxAsync(new StopPodSandboxRequest { PodSandboxId = id });
        await cri.Runtime.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = id });
    }

    private static Task StatusUnknownAsync(SpecContext cri) => Check.FailsAsync(
        StatusCode.NotFound, async () => await cri.Runtime.PodSandboxStatusAsync(new PodSandboxStatusRequest { PodSandboxId = new string('0', 64) }));

    private static async Task ListFiltersAsync(SpecContext cri)
    {
        var mark = cri.UniqueName("mark");
        var ready = await cri.RunPodAsync(config => config.Labels["mark"] = mark);
        var stopped = await cri.RunPodAsync(config => config.Labels["mark"] = mark);
        await stopped.StopAsync();
        async Task<string> List(PodSandboxFilter filter) => string.Join(
            ',', (await cri.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest { Filter = filter })).Items.Select(item => item.Id).Order(StringComparer.Ordinal));
        PodSandboxStateValue State(PodSandboxState state) => new() { State = state };
        var labels = new PodSandboxFilter();
        labels.LabelSelector["mark"] = mark;

        Check.Equal(string.Join(',', new[] { ready.Id, stopped.Id }.Order(StringComparer.Ordinal)), await List(labels));
        Check.Equal(ready.Id, await List(new PodSandboxFilter { Id = ready.Id }));
        Check.Equal(ready.Id, await List(new PodSandboxFilter { Id = ready.Id[..13] }));
        labels.State = State(PodSandboxState.SandboxReady);
        Check.Equal(ready.Id, await List(labels));
        labels.Id = stopped.Id;
        Check.Equal("", await List(labels));
        labels.State = State(PodSandboxState.SandboxNotready);
        Check.Equal(stopped.Id, await List(labels));
        labels.LabelSelector["other"] = "x";
        Check.Equal("", await List(labels));
    }

    private static async Task PrefixAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var status = (await cri.Runtime.PodSandboxStatusAsync(new PodSandboxStatusRequest { PodSandboxId = pod.Id[..20] })).Status;
        Check.Equal(pod.Id, status.Id);
    }

    private static async Task ResourcesAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync(config =>
        {
            config.Linux.Overhead = new LinuxContainerResources { CpuShares = 1021, MemoryLimitInBytes = 70001 };
            config.Linux.Resources = new LinuxContainerResources { CpuShares = 1022, MemoryLimitInBytes = 70002 };
        });
        var before = await InfoAsync(cri, pod);
        foreach (var number in (string[])["1021", "70001", "1022", "70002"])
            Check.Contains(number, before);
        await cri.Runtime.UpdatePodSandboxResourcesAsync(new UpdatePodSandboxResourcesRequest
        {
            PodSandboxId = pod.Id,
            Overhead = new LinuxContainerResources { CpuShares = 1023, MemoryLimitInBytes = 70003 },
            Resources = new LinuxContainerResources { CpuShares = 1024, CpuQuota = 90001, MemoryLimitInBytes = 70004 },
        });
        var after = await InfoAsync(cri, pod);
        foreach (var number in (string[])["1023", "70003", "1024", "90001", "70004"])
            Check.Contains(number, after);
        Check.Equal(PodSandboxState.SandboxReady, (await pod.StatusAsync()).State);
        await Check.FailsAsync(StatusCode.NotFound, async () => await cri.Runtime.UpdatePodSandboxResourcesAsync(
            new UpdatePodSandboxResourcesRequest { PodSandboxId = new string('0', 64), Resources = new LinuxContainerResources() }));
    }

    private static async Task<string> InfoAsync(SpecContext cri, SpecPod pod) =>
        (await cri.Runtime.PodSandboxStatusAsync(new PodSandboxStatusRequest { PodSandboxId = pod.Id, Verbose = true })).Info["info"];

    private static async Task CreateInStoppedAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        await pod.StopAsync();
        try
        {
            await pod.CreateShellAsync("true");
        }
        catch (RpcException e)
        {
            Check.True(e.StatusCode is StatusCode.FailedPrecondition or StatusCode.Unknown, e.Status.ToString());
            return;
        }
        throw new SpecFailedException("a container was made in a stopped pod");
    }

    private static async Task UnknownHandlerAsync(SpecContext cri)
    {
        var config = cri.PodConfig();
        try
        {
            await cri.Runtime.RunPodSandboxAsync(new RunPodSandboxRequest { Config = config, RuntimeHandler = "no-such-handler" });
        }
        catch (RpcException e)
        {
            Check.Contains("no-such-handler", e.Status.Detail);
            return;
        }
        throw new SpecFailedException("an unknown handler was taken");
    }
}
