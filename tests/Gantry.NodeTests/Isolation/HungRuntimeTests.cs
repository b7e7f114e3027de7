using Gantry.Conformance;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Grpc.Core;
using Xunit;

namespace Gantry.NodeTests.Isolation;

/// <summary>OCI runtimes that hang or fail, with crun and runc behind the gate: they hold up their own container, for so long, and nobody else.</summary>
public sealed class HungRuntimeTests(NodeNetwork network)
{
    private const string ShortPatience = "[runtime]\ntimeout_seconds = 4";

    [Theory]
    [InlineData("gated")]
    [InlineData("gated-runc")]
    public async Task Create_RuntimeHangs_OthersGoOnAndItEndsAtTheDeadlineWithNothingLeft(string handler)
    {
        await using var node = await GantryNode.StartAsync(network, ShortPatience);
        await using (var cri = node.Context(handler))
        {
            var pod = await cri.RunPodAsync();
            var bystander = await pod.RunShellAsync("sleep 1000");
            node.Gates.Close("create");
            var hanging = pod.CreateShellAsync("true");
            await node.Gates.WaitForArrivalAsync("create", 2);

            await OthersGoOnAsync(hanging, cri, bystander);
            var failure = await Assert.ThrowsAsync<RpcException>(() => hanging);

            Assert.Equal(StatusCode.DeadlineExceeded, failure.StatusCode);
            Assert.Contains("create did not end within 4 s", failure.Status.Detail, StringComparison.Ordinal);
            Assert.Single((await cri.Runtime.ListContainersAsync(new ListContainersRequest())).Containers);
            node.Gates.Open("create");
            await pod.OutputAsync("true");
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Fact]
    public async Task Create_RuntimeHangs_PodCanBeStoppedAtOnce()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using (var cri = node.Context("gated"))
        {
            var pod = await cri.RunPodAsync();
            node.Gates.Close("create");
            var hanging = pod.CreateShellAsync("true");
            await node.Gates.WaitForArrivalAsync("create");

            await pod.StopAsync().WaitAsync(TimeSpan.FromSeconds(20));

            var failure = await Assert.ThrowsAsync<RpcException>(() => hanging);
            Assert.Equal(StatusCode.FailedPrecondition, failure.StatusCode);
            Assert.Contains("was stopped while", failure.Status.Detail, StringComparison.Ordinal);
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Theory]
    [InlineData("gated")]
    [InlineData("gated-runc")]
    public async Task Start_RuntimeHangs_ContainerTellsWhyAndAnotherCanBeMade(string handler)
    {
        await using var node = await GantryNode.StartAsync(network, ShortPatience);
        await using (var cri = node.Context(handler))
        {
            var pod = await cri.RunPodAsync();
            var bystander = await pod.RunShellAsync("sleep 1000");
            var container = await pod.CreateShellAsync("sleep 1000");
            node.Gates.Close("start");
            var hanging = container.StartAsync();
            await node.Gates.WaitForArrivalAsync("start", 2);

            await OthersGoOnAsync(hanging, cri, bystander);
            Assert.Equal(StatusCode.DeadlineExceeded, (await Assert.ThrowsAsync<RpcException>(() => hanging)).StatusCode);

            var status = await container.StatusAsync();
            Assert.Equal((ContainerState.ContainerExited, 128, "StartError"), (status.State, status.ExitCode, status.Reason));
            Assert.Contains("start did not end within 4 s", status.Message, StringComparison.Ordinal);
            node.Gates.Open("start");
            await container.RemoveAsync();
            await pod.OutputAsync("true");
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Theory]
    [InlineData("gated")]
    [InlineData("gated-runc")]
    public async Task Stop_RuntimeHangs_ContainerEndsAllTheSame(string handler)
    {
        await using var node = await GantryNode.StartAsync(network, ShortPatience);
        await using (var cri = node.Context(handler))
        {
            var pod = await cri.RunPodAsync();
            var container = await pod.RunShellAsync("trap '' TERM; while true; do sleep 0.1; done");
            node.Gates.Close("kill");

            await container.StopAsync(grace: 1).WaitAsync(TimeSpan.FromSeconds(15));

            Assert.Equal(137, (await container.StatusAsync()).ExitCode);
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Fact]
    public async Task Remove_RuntimeHangs_FailsInTimeAndWorksLater()
    {
        await using var node = await GantryNode.StartAsync(network, ShortPatience);
        await using (var cri = node.Context("gated"))
        {
            var pod = await cri.RunPodAsync();
            var bystander = await pod.RunShellAsync("sleep 1000");
            var container = await pod.RunShellAsync("sleep 1000");
            node.Gates.Close("delete");

            await container.StopAsync().WaitAsync(TimeSpan.FromSeconds(10));
            var hanging = container.RemoveAsync();
            await node.Gates.WaitForArrivalAsync("delete");
            await OthersGoOnAsync(hanging, cri, bystander);
            Assert.Equal(StatusCode.DeadlineExceeded, (await Assert.ThrowsAsync<RpcException>(() => hanging)).StatusCode);
            Assert.Equal(ContainerState.ContainerExited, (await container.StatusAsync()).State);
            node.Gates.Open("delete");
            await container.RemoveAsync();
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Fact]
    public async Task Exec_RuntimeHangs_ProbesOfOthersGoOn()
    {
        await using var node = await GantryNode.StartAsync(network, "[runtime]\ntimeout_seconds = 4\nmax_parallel = 20");
        await using (var cri = node.Context("gated"))
        await using (var other = node.Context())
        {
            var container = await (await cri.RunPodAsync()).RunShellAsync("sleep 1000");
            var bystander = await (await other.RunPodAsync()).RunShellAsync("sleep 1000");
            node.Gates.Close("exec");
            // More than all places: a container's own limit keeps some for the others.
            var hanging = Enumerable.Range(0, 40).Select(_ => container.ExecAsync("true")).ToList();
            await node.Gates.WaitForArrivalAsync("exec", 16);

            Assert.Equal(0, (await bystander.ExecAsync("true")).ExitCode);
            var first = await Assert.ThrowsAsync<RpcException>(() => hanging[0]);

            Assert.Equal(StatusCode.DeadlineExceeded, first.StatusCode);
            node.Gates.Open("exec");
            foreach (var one in hanging)
                await one.ContinueWith(_ => { }, TaskScheduler.Default);
            Assert.Equal(0, (await container.ExecAsync("true")).ExitCode);
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Theory]
    [InlineData("create")]
    [InlineData("start")]
    public async Task Runtime_Fails_ItsWordsAreTold(string verb)
    {
        await using var node = await GantryNode.StartAsync(network);
        await using (var cri = node.Context("gated"))
        {
            var pod = await cri.RunPodAsync();
            node.Gates.Break(verb);

            var failure = await Assert.ThrowsAsync<RpcException>(async () => await (await pod.CreateShellAsync("true")).StartAsync());

            Assert.Equal(StatusCode.Internal, failure.StatusCode);
            Assert.Contains("the gate is broken", failure.Status.Detail, StringComparison.Ordinal);
            node.Gates.Open(verb);
            await pod.OutputAsync("true");
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Fact]
    public async Task Runtime_NotInstalled_IsSaidWithTheRemedy()
    {
        await using var node = await GantryNode.StartAsync(network, "[runtime]\ndefault_handler = \"absent\"\n[runtime.handlers]\nabsent = \"/no/such/runtime\"");
        await using var cri = node.Context();
        var condition = (await cri.Runtime.StatusAsync(new StatusRequest())).Status.Conditions.Single(condition => condition.Type == "RuntimeReady");
        Assert.False(condition.Status);
        Assert.Contains("/no/such/runtime", condition.Message, StringComparison.Ordinal);
        var pod = await cri.RunPodAsync();

        var failure = await Assert.ThrowsAsync<RpcException>(() => pod.CreateShellAsync("true"));

        Assert.Contains("/no/such/runtime", failure.Status.Detail, StringComparison.Ordinal);
    }

    private static async Task OthersGoOnAsync(Task hanging, SpecContext cri, SpecContainer bystander)
    {
        await Promptly.WhileAsync(hanging, async () => await cri.Runtime.ListContainersAsync(new ListContainersRequest()));
        await Promptly.WhileAsync(hanging, async () => await bystander.StatusAsync());
        Assert.Equal(0, (await bystander.ExecAsync("true")).ExitCode);
        // In the same pod and in another one.
        await (await cri.RunPodAsync(config => config.Linux.SecurityContext.NamespaceOptions.Network = NamespaceMode.Node)).StopAsync();
    }
}
