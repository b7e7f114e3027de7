using Gantry.Conformance;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Grpc.Core;
using Xunit;

namespace Gantry.NodeTests.Faults;

/// <summary>Disks that are full: what cannot be written is refused by name, what is there goes on, and everything can be removed.</summary>
public sealed class FullDiskTests(NodeNetwork network)
{
    [Fact]
    public async Task Root_Full_NothingNewIsMadeAndEverythingCanBeRemoved()
    {
        await using var node = await GantryNode.StartAsync(network, prepare: prepared => prepared.MountSmall(prepared.Root, "64m"));
        await using (var cri = node.Context())
        {
            var pod = await cri.RunPodAsync();
            var running = await pod.RunShellAsync("sleep 1000");
            var ending = await pod.RunShellAsync("while [ ! -e /tmp/end ]; do sleep 0.05; done; exit 7");
            var created = await pod.CreateShellAsync("sleep 1000");
            Fill($"{node.Root}/filler");

            await RefusedAsync(async () => await cri.RunPodAsync());
            await RefusedAsync(async () => await pod.CreateShellAsync("true"));
            Assert.Equal(2, (await cri.Runtime.ListContainersAsync(new ListContainersRequest { Filter = new ContainerFilter { State = new ContainerStateValue { State = ContainerState.ContainerRunning } } })).Containers.Count);
            Assert.Equal(0, (await running.ExecAsync("true")).ExitCode);
            await created.StartAsync();
            await ending.ExecAsync("touch", "/tmp/end");
            Assert.Equal(7, (await ending.WaitForExitAsync()).ExitCode);
            await running.StopAsync();
            await ending.RemoveAsync();

            // What a full disk kept from being written is known again after a restart.
            await node.RestartDaemonAsync();
            Assert.Equal(ContainerState.ContainerExited, (await running.StatusAsync()).State);
            Assert.Equal(ContainerState.ContainerRunning, (await created.StatusAsync()).State);
            await pod.RemoveAsync();
            Assert.Empty((await node.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest())).Items);

            File.Delete($"{node.Root}/filler");
            await (await cri.RunPodAsync()).OutputAsync("true");
        }
    }

    [Fact]
    public async Task Logs_Full_ContainerIsNotHeldUpAndTheLogStaysReadable()
    {
        await using var node = await GantryNode.StartAsync(network);
        var logs = node.MountSmall($"{node.Directory}/logs", "256k");
        await using (var cri = node.Context())
        {
            var pod = await cri.RunPodAsync(config => config.LogDirectory = logs);
            var container = await pod.RunShellAsync("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo line $i of many; done; echo done > /tmp/done; while [ ! -e /tmp/more ]; do sleep 0.05; done; echo after; sleep 1000");

            await Check.EventuallyAsync(async () => (await container.ExecAsync("cat", "/tmp/done")).ExitCode == 0, "the container went on with a full log", TimeSpan.FromSeconds(30));
            var lines = LogEntry.ReadAll(container.LogPath);
            Assert.Equal(Enumerable.Range(1, lines.Count).Select(n => $"line {n} of many"), lines.Select(line => line.Content));
            Assert.InRange(lines.Count, 1000, 19_000);

            // The kubelet rotates and deletes, and the log goes on.
            File.Delete(container.LogPath);
            await cri.Runtime.ReopenContainerLogAsync(new ReopenContainerLogRequest { ContainerId = container.Id });
            await container.ExecAsync("touch", "/tmp/more");
            await Check.EventuallyAsync(() => Task.FromResult(LogEntry.ReadAll(container.LogPath).Any(line => line.Content == "after")), "the log goes on");
        }
    }

    [Fact]
    public async Task State_Full_NothingNewIsMadeAndEverythingCanBeRemoved()
    {
        await using var node = await GantryNode.StartAsync(network, prepare: prepared => prepared.MountSmall(prepared.State, "4m"));
        await using (var cri = node.Context())
        {
            var pod = await cri.RunPodAsync();
            var container = await pod.RunShellAsync("sleep 1000");
            Fill($"{node.State}/filler");

            await RefusedAsync(async () => await pod.CreateShellAsync("true"));
            await container.StopAsync();
            Assert.Equal(ContainerState.ContainerExited, (await container.StatusAsync()).State);
            File.Delete($"{node.State}/filler");
            Assert.Equal(137, (await container.StatusAsync()).ExitCode);
            await pod.OutputAsync("true");
        }
    }

    private static async Task RefusedAsync(Func<Task> call)
    {
        var failure = await Assert.ThrowsAsync<RpcException>(call);
        Assert.True(failure.StatusCode is StatusCode.ResourceExhausted or StatusCode.Internal, failure.Status.ToString());
        Assert.Contains("o space left", failure.Status.Detail, StringComparison.Ordinal);
    }

    /// <summary>To the last byte.</summary>
    private static void Fill(string path)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        foreach (var piece in new[] { 1 << 20, 4096, 1 })
        {
            try
            {
                while (true)
                {
                    file.Write(new byte[piece]);
                    file.Flush();
                }
            }
            catch (IOException)
            {
                // Full for pieces of that size.
            }
        }
    }
}
