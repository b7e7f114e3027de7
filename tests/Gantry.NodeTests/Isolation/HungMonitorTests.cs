using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Grpc.Core;
using Xunit;

namespace Gantry.NodeTests.Isolation;

/// <summary>Monitors that hang or are killed: their own container alone is concerned.</summary>
public sealed class HungMonitorTests(NodeNetwork network)
{
    [Fact]
    public async Task Monitor_Killed_ContainerEndsAsUnknownAndOthersAreUnaffected()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using (var cri = node.Context())
        {
            var pod = await cri.RunPodAsync();
            var bystander = await pod.RunShellAsync("sleep 1000");
            var container = await pod.RunShellAsync("sleep 1000");
            var (process, bystanderProcess) = (await Processes.PidOfAsync(node, container.Id), await Processes.PidOfAsync(node, bystander.Id));

            Processes.Signal(Processes.MonitorOf(node, container.Id), "KILL");

            var status = await container.WaitForExitAsync(TimeSpan.FromSeconds(10));
            Assert.Equal((255, "Unknown"), (status.ExitCode, status.Reason));
            Assert.Contains("monitor", status.Message, StringComparison.Ordinal);
            Assert.True(status.FinishedAt >= status.StartedAt);
            await NodeNetwork.WaitForAsync(() => Task.FromResult(!Processes.IsAlive(process)), TimeSpan.FromSeconds(10), "the container's end");
            Assert.True(Processes.IsAlive(bystanderProcess));
            Assert.Equal(0, (await bystander.ExecAsync("true")).ExitCode);
            await container.RemoveAsync();
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Fact]
    public async Task Monitor_KilledWhileTheDaemonIsDown_ContainerEndsAsUnknownAtTheStart()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using (var cri = node.Context())
        {
            var pod = await cri.RunPodAsync();
            var container = await pod.RunShellAsync("sleep 1000");
            var process = await Processes.PidOfAsync(node, container.Id);
            var monitor = Processes.MonitorOf(node, container.Id);
            await node.KillDaemonAsync();

            Processes.Signal(monitor, "KILL");
            await node.StartDaemonAsync();

            var status = await container.StatusAsync();
            Assert.Equal((ContainerState.ContainerExited, 255, "Unknown"), (status.State, status.ExitCode, status.Reason));
            await NodeNetwork.WaitForAsync(() => Task.FromResult(!Processes.IsAlive(process)), TimeSpan.FromSeconds(10), "the container's end");
            Assert.Equal(PodSandboxState.SandboxReady, (await pod.StatusAsync()).State);
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Fact]
    public async Task Monitor_Hangs_OthersGoOnAndItsContainerCanBeEndedAndRemoved()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using (var cri = node.Context())
        {
            var pod = await cri.RunPodAsync();
            var bystander = await pod.RunShellAsync("sleep 1000");
            var container = await pod.RunShellAsync("sleep 1000");
            Processes.Signal(Processes.MonitorOf(node, container.Id), "STOP");

            await Promptly.Async(async () => await cri.Runtime.ListContainersAsync(new ListContainersRequest()));
            await Promptly.Async(async () => await container.StatusAsync());
            await Promptly.Async(async () => await bystander.StatusAsync());
            Assert.Equal(0, (await container.ExecAsync("true")).ExitCode);
            var failure = await Assert.ThrowsAsync<RpcException>(async () => await cri.Runtime.ReopenContainerLogAsync(new ReopenContainerLogRequest { ContainerId = container.Id }));
            Assert.Equal(StatusCode.DeadlineExceeded, failure.StatusCode);
            Assert.Contains("monitor does not answer", failure.Status.Detail, StringComparison.Ordinal);
            await container.StopAsync().WaitAsync(TimeSpan.FromSeconds(15));

            Assert.Equal(ContainerState.ContainerExited, (await container.StatusAsync()).State);
            await container.RemoveAsync();
            Assert.Equal(0, (await bystander.ExecAsync("true")).ExitCode);
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Fact]
    public async Task Monitor_HangsOverARestart_DaemonStartsAndContainerIsTakenUp()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using (var cri = node.Context())
        {
            var pod = await cri.RunPodAsync();
            var container = await pod.RunShellAsync("sleep 1000");
            var monitor = Processes.MonitorOf(node, container.Id);
            await node.KillDaemonAsync();
            Processes.Signal(monitor, "STOP");

            await node.StartDaemonAsync();

            Assert.Equal(ContainerState.ContainerRunning, (await container.StatusAsync()).State);
            Processes.Signal(monitor, "CONT");
            await container.StopAsync();
            Assert.Equal(137, (await container.StatusAsync()).ExitCode);
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }
}
