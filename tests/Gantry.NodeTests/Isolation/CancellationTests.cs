using Gantry.Conformance;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Grpc.Core;
using Xunit;

namespace Gantry.NodeTests.Isolation;

/// <summary>Callers that leave in the middle: their retry joins what they began, or what they began is undone; never both.</summary>
public sealed class CancellationTests(NodeNetwork network)
{
    [Fact]
    public async Task RunPod_CallerLeaves_TheRetryGetsTheSamePod()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using (var cri = node.Context())
        {
            var config = cri.PodConfig();
            node.Gates.Close("ADD");
            using var caller = new CancellationTokenSource();
            var first = cri.Runtime.RunPodSandboxAsync(new RunPodSandboxRequest { Config = config }, cancellationToken: caller.Token).ResponseAsync;
            await node.Gates.WaitForArrivalAsync("ADD");
            await caller.CancelAsync();
            await Assert.ThrowsAsync<RpcException>(() => first);

            var retries = Enumerable.Range(0, 5).Select(_ => cri.Runtime.RunPodSandboxAsync(new RunPodSandboxRequest { Config = config }).ResponseAsync).ToList();
            node.Gates.Open("ADD");

            var ids = (await Task.WhenAll(retries)).Select(answer => answer.PodSandboxId).Distinct();
            Assert.Equal(Assert.Single(ids), Assert.Single((await cri.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest())).Items).Id);
            Assert.Equal(1, node.Gates.Arrivals("ADD"));
            await cri.RunPodAsync(config);
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Fact]
    public async Task Create_CallerLeaves_TheRetryGetsTheSameContainer()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using (var cri = node.Context("gated"))
        {
            var pod = await cri.RunPodAsync();
            var config = pod.ContainerConfig(await cri.PullAsync(cri.Settings.Busybox), "sleep", "1000");
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(pod.Config.LogDirectory, config.LogPath))!);
            node.Gates.Close("create");
            var request = new CreateContainerRequest { PodSandboxId = pod.Id, Config = config, SandboxConfig = pod.Config };
            using var caller = new CancellationTokenSource();
            var first = cri.Runtime.CreateContainerAsync(request, cancellationToken: caller.Token).ResponseAsync;
            await node.Gates.WaitForArrivalAsync("create");
            await caller.CancelAsync();
            await Assert.ThrowsAsync<RpcException>(() => first);

            var retry = cri.Runtime.CreateContainerAsync(request).ResponseAsync;
            node.Gates.Open("create");

            var id = (await retry).ContainerId;
            Assert.Equal(id, (await cri.Runtime.CreateContainerAsync(request)).ContainerId);
            Assert.Equal(1, node.Gates.Arrivals("create"));
            Assert.Single((await cri.Runtime.ListContainersAsync(new ListContainersRequest())).Containers);
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Fact]
    public async Task Stop_CallerLeaves_TheContainerEndsAllTheSame()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using var cri = node.Context();
        var container = await (await cri.RunPodAsync()).RunShellAsync("trap 'touch /tmp/term' TERM; touch /tmp/ready; while true; do sleep 0.1; done");
        await WaitForFileAsync(container, "/tmp/ready");
        using var caller = new CancellationTokenSource();
        var stop = cri.Runtime.StopContainerAsync(new StopContainerRequest { ContainerId = container.Id, Timeout = 5 }, cancellationToken: caller.Token).ResponseAsync;
        // A call that its caller takes back before it is sent never was one.
        await WaitForFileAsync(container, "/tmp/term");
        await caller.CancelAsync();
        await Assert.ThrowsAsync<RpcException>(() => stop);

        Assert.Equal(137, (await container.WaitForExitAsync(TimeSpan.FromSeconds(30))).ExitCode);
    }

    [Fact]
    public async Task Exec_CallerLeaves_TheCommandEnds()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using var cri = node.Context();
        var container = await (await cri.RunPodAsync()).RunShellAsync("sleep 1000");
        using var caller = new CancellationTokenSource();
        var request = new ExecSyncRequest { ContainerId = container.Id, Cmd = { "sh", "-c", "echo $$ > /tmp/pid; sleep 999" } };
        var exec = cri.Runtime.ExecSyncAsync(request, cancellationToken: caller.Token).ResponseAsync;
        await WaitForFileAsync(container, "/tmp/pid");

        await caller.CancelAsync();

        await Assert.ThrowsAsync<RpcException>(() => exec);
        await NodeNetwork.WaitForAsync(async () => (await container.ExecAsync("sh", "-c", "! pgrep -f 'sleep 999'")).ExitCode == 0, TimeSpan.FromSeconds(20), "the command's end");
    }

    /// <summary>A caller whose patience ends anywhere: afterwards there is one pod that works, or none and nothing of one.</summary>
    [Fact]
    public async Task RunPodAndCreate_CallerLeavesAnywhere_NothingIsHalfMade()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using (var cri = node.Context())
        {
            await cri.PullAsync(cri.Settings.Busybox);
            for (var milliseconds = 1; milliseconds <= 200; milliseconds += Rounds.Scaled(20, 200) >= 200 ? 1 : 10)
            {
                var config = cri.PodConfig();
                await LeaveAsync(async () => await cri.Runtime.RunPodSandboxAsync(new RunPodSandboxRequest { Config = config }, deadline: DateTime.UtcNow.AddMilliseconds(milliseconds)));
                var pod = await cri.RunPodAsync(config);
                var container = pod.ContainerConfig(cri.Settings.Busybox, "sleep", "1000");
                var request = new CreateContainerRequest { PodSandboxId = pod.Id, Config = container, SandboxConfig = config };
                await LeaveAsync(async () => await cri.Runtime.CreateContainerAsync(request, deadline: DateTime.UtcNow.AddMilliseconds(milliseconds)));
                var id = (await cri.Runtime.CreateContainerAsync(request)).ContainerId;
                await LeaveAsync(async () => await cri.Runtime.StartContainerAsync(new StartContainerRequest { ContainerId = id }, deadline: DateTime.UtcNow.AddMilliseconds(milliseconds)));
                await NodeNetwork.WaitForAsync(
                    async () => (await cri.Runtime.ContainerStatusAsync(new ContainerStatusRequest { ContainerId = id })).Status.State is ContainerState.ContainerRunning or ContainerState.ContainerCreated, TimeSpan.FromSeconds(10), "the container");
                await LeaveAsync(async () => await cri.Runtime.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = pod.Id }, deadline: DateTime.UtcNow.AddMilliseconds(milliseconds)));
                await pod.RemoveAsync();
            }
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    private static Task WaitForFileAsync(SpecContainer container, string path) =>
        NodeNetwork.WaitForAsync(async () => (await container.ExecAsync("test", "-e", path)).ExitCode == 0, TimeSpan.FromSeconds(20), path);

    private static async Task LeaveAsync(Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.DeadlineExceeded or StatusCode.Cancelled)
        {
            // The caller's patience was over.
        }
    }
}
