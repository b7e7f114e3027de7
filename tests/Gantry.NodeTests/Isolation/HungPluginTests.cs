using Gantry.Conformance;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Grpc.Core;
using Xunit;

namespace Gantry.NodeTests.Isolation;

/// <summary>CNI plugins that hang or fail: they hold up the pod that they are called for, for so long, and nobody else.</summary>
public sealed class HungPluginTests(NodeNetwork network)
{
    private const string ShortPatience = "[cni]\ntimeout_seconds = 3";

    [Fact]
    public async Task RunPod_PluginHangs_OthersGoOnAndItEndsAtTheDeadlineWithNothingLeft()
    {
        await using var node = await GantryNode.StartAsync(network, ShortPatience);
        await using (var cri = node.Context())
        {
            var bystander = await cri.RunPodAsync();
            var container = await bystander.RunShellAsync("sleep 1000");
            node.Gates.Close("ADD");
            var hanging = cri.Runtime.RunPodSandboxAsync(new RunPodSandboxRequest { Config = cri.PodConfig("hung") }).ResponseAsync;
            await node.Gates.WaitForArrivalAsync("ADD", 2);

            await Promptly.WhileAsync(hanging, async () => await cri.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest()));
            await Promptly.WhileAsync(hanging, async () => await bystander.StatusAsync());
            Assert.Equal(0, (await container.ExecAsync("true")).ExitCode);
            await (await bystander.CreateShellAsync("true")).StartAsync();
            await cri.RunPodAsync(config => config.Linux.SecurityContext.NamespaceOptions.Network = NamespaceMode.Node);
            var failure = await Assert.ThrowsAsync<RpcException>(() => hanging);

            Assert.Equal(StatusCode.DeadlineExceeded, failure.StatusCode);
            Assert.Contains($"CNI plugin {Gates.Plugin} ADD", failure.Status.Detail, StringComparison.Ordinal);
            Assert.DoesNotContain((await cri.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest())).Items, pod => pod.Metadata.Name.StartsWith("hung", StringComparison.Ordinal));
            node.Gates.Open("ADD");
            await cri.RunPodAsync();
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Fact]
    public async Task RunPod_PluginFailsOnce_TheSameRequestSucceedsThen()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using var cri = node.Context();
        var config = cri.PodConfig();
        node.Gates.Break("ADD");

        var failure = await Assert.ThrowsAsync<RpcException>(() => cri.RunPodAsync(config));

        Assert.Equal(StatusCode.Internal, failure.StatusCode);
        Assert.Contains("the gate is broken", failure.Status.Detail, StringComparison.Ordinal);
        Assert.Empty((await cri.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest())).Items);
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
        node.Gates.Open("ADD");
        await cri.RunPodAsync(config);
    }

    [Fact]
    public async Task RunPod_NeitherAddNorDelWorks_PodStaysNotReadyUntilItCanBeRemoved()
    {
        await using var node = await GantryNode.StartAsync(network, ShortPatience);
        await using (var cri = node.Context())
        {
            var config = cri.PodConfig();
            node.Gates.Break("ADD");
            node.Gates.Break("DEL");
            await Assert.ThrowsAsync<RpcException>(() => cri.RunPodAsync(config));

            var kept = Assert.Single((await cri.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest())).Items);
            Assert.Equal(PodSandboxState.SandboxNotready, kept.State);
            await Assert.ThrowsAsync<RpcException>(async () => await cri.Runtime.StopPodSandboxAsync(new StopPodSandboxRequest { PodSandboxId = kept.Id }));
            node.Gates.Open("ADD");
            // As the kubelet does: the next attempt, while the failed one is still there.
            var next = config.Clone();
            next.Metadata.Attempt = 1;
            await cri.RunPodAsync(next);
            node.Gates.Open("DEL");
            await cri.Runtime.StopPodSandboxAsync(new StopPodSandboxRequest { PodSandboxId = kept.Id });
            await cri.Runtime.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = kept.Id });
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Fact]
    public async Task StopPod_PluginHangs_FailsInTimeAndWorksLater()
    {
        await using var node = await GantryNode.StartAsync(network, ShortPatience);
        await using (var cri = node.Context())
        {
            var pod = await cri.RunPodAsync();
            await pod.RunShellAsync("sleep 1000");
            node.Gates.Close("DEL");

            var failure = await Assert.ThrowsAsync<RpcException>(pod.StopAsync);

            Assert.Equal(StatusCode.DeadlineExceeded, failure.StatusCode);
            Assert.Contains("DEL", failure.Status.Detail, StringComparison.Ordinal);
            Assert.Equal(PodSandboxState.SandboxNotready, (await pod.StatusAsync()).State);
            await cri.RunPodAsync();
            node.Gates.Open("DEL");
            await pod.StopAsync();
            await pod.StopAsync();
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Fact]
    public async Task StopPod_PluginIsNoLongerInstalled_OthersGiveTheirsBackAndItIsSaid()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using (var cri = node.Context())
        {
            var pod = await cri.RunPodAsync();
            var address = $"{node.Directory}/ipam/test{node.Number}/{(await pod.StatusAsync()).Network.Ip}";
            Assert.True(File.Exists(address));
            File.Move($"{node.Gates.Folder}/{Gates.Plugin}", $"{node.Gates.Folder}/away");

            var failure = await Assert.ThrowsAsync<RpcException>(pod.StopAsync);

            Assert.Equal(StatusCode.FailedPrecondition, failure.StatusCode);
            Assert.Contains($"CNI plugin '{Gates.Plugin}'", failure.Status.Detail, StringComparison.Ordinal);
            Assert.Contains("install it", failure.Status.Detail, StringComparison.Ordinal);
            Assert.False(File.Exists(address), "the address is held still");
            File.Move($"{node.Gates.Folder}/away", $"{node.Gates.Folder}/{Gates.Plugin}");
            await pod.StopAsync();
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Fact]
    public async Task RunPod_EveryPlaceTakenByHungPlugins_WaitsForOneAndThenRuns()
    {
        await using var node = await GantryNode.StartAsync(network, "[cni]\ntimeout_seconds = 3\nmax_parallel = 2");
        await using (var cri = node.Context())
        {
            node.Gates.Close("ADD");
            var hanging = Enumerable.Range(0, 2).Select(_ => cri.Runtime.RunPodSandboxAsync(new RunPodSandboxRequest { Config = cri.PodConfig() }).ResponseAsync).ToList();
            await node.Gates.WaitForArrivalAsync("ADD", 2);
            var waiting = cri.RunPodAsync();
            await Promptly.WhileAsync(Task.WhenAny(hanging), async () => await cri.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest()));
            foreach (var one in hanging)
                await Assert.ThrowsAsync<RpcException>(() => one);

            node.Gates.Open("ADD");

            await waiting;
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Fact]
    public async Task Network_ConfigurationMissingBrokenAndRepaired_IsToldAndFollowed()
    {
        await using var node = await GantryNode.StartAsync(network, "[cni]\ninstall_default = false", prepared => File.Delete($"{prepared.Directory}/cni/10-test.conflist"));
        await using (var cri = node.Context())
        {
            var conflist = $"{node.Directory}/cni/10-test.conflist";
            await NotReadyAsync(cri, "no network configuration");

            await File.WriteAllTextAsync(conflist, "{ \"name\": ");
            await NotReadyAsync(cri, "10-test.conflist is not valid");

            await File.WriteAllTextAsync(conflist, NodeFiles.Conflist(node).Replace("\"portmap\"", "\"no-such-plugin\"", StringComparison.Ordinal));
            await NotReadyAsync(cri, "'no-such-plugin'");

            await File.WriteAllTextAsync(conflist, NodeFiles.Conflist(node));
            var pod = await cri.RunPodAsync();
            Assert.True((await cri.NetworkReadyAsync()).Status);
            // A pod's own network is what it was made with.
            File.Delete(conflist);
            await pod.RemoveAsync();
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    private static async Task NotReadyAsync(SpecContext cri, string word)
    {
        var failure = await Assert.ThrowsAsync<RpcException>(() => cri.RunPodAsync());
        Assert.Equal(StatusCode.FailedPrecondition, failure.StatusCode);
        Assert.Contains(word, failure.Status.Detail, StringComparison.Ordinal);
        var condition = await cri.NetworkReadyAsync();
        Assert.False(condition.Status);
        Assert.Contains(word, condition.Message, StringComparison.Ordinal);
        Assert.Empty((await cri.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest())).Items);
        await cri.RunPodAsync(config => config.Linux.SecurityContext.NamespaceOptions.Network = NamespaceMode.Node);
        foreach (var pod in (await cri.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest())).Items)
            await cri.Runtime.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = pod.Id });
    }
}
