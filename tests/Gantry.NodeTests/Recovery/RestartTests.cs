using System.Diagnostics;
using Gantry.Conformance;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Xunit;

namespace Gantry.NodeTests.Recovery;

/// <summary>The daemon killed and started again: containers, logs and exits go on.</summary>
public sealed class RestartTests(NodeNetwork network)
{
    [Theory]
    [InlineData("crun")]
    [InlineData("runc")]
    public async Task Sigkill_ContainersGoOnAndWhatHappenedMeanwhileIsTold(string handler)
    {
        await using var node = await GantryNode.StartAsync(network);
        await using (var cri = node.Context(handler))
        {
            var pod = await cri.RunPodAsync();
            var staying = await pod.RunShellAsync("sleep 1000");
            var ending = await pod.RunShellAsync("while [ ! -e /tmp/end ]; do sleep 0.02; done; exit 42");
            var killed = await pod.RunShellAsync("sleep 1000");
            var created = await pod.CreateShellAsync("echo created; sleep 1000");
            var over = await pod.RunShellAsync("exit 3");
            var before = await over.WaitForExitAsync();
            var (pid, killedPid) = (await Processes.PidOfAsync(node, staying.Id), await Processes.PidOfAsync(node, killed.Id));
            await ending.ExecAsync("touch", "/tmp/soon");
            await node.KillDaemonAsync();
            var down = DateTimeOffset.UtcNow;
            var root = $"{node.State}/containers/{ending.Id}/rootfs";
            await File.WriteAllTextAsync($"{root}/tmp/end", "");
            Processes.Signal(killedPid, "KILL");
            await NodeNetwork.WaitForAsync(() => Task.FromResult(File.Exists($"{node.State}/containers/{ending.Id}/exit") && File.Exists($"{node.State}/containers/{killed.Id}/exit")), TimeSpan.FromSeconds(20), "the exits");
            var ended = DateTimeOffset.UtcNow;
            await Task.Delay(300);

            await node.StartDaemonAsync();

            var status = await ending.StatusAsync();
            Assert.Equal((ContainerState.ContainerExited, 42, "Error"), (status.State, status.ExitCode, status.Reason));
            Assert.InRange(DateTimeOffset.UnixEpoch.AddTicks(status.FinishedAt / 100), down, ended);
            Assert.Equal(137, (await killed.StatusAsync()).ExitCode);
            Assert.Equal((ContainerState.ContainerRunning, pid), ((await staying.StatusAsync()).State, await Processes.PidOfAsync(node, staying.Id)));
            var after = await over.StatusAsync();
            Assert.Equal((before.ExitCode, before.FinishedAt, before.StartedAt), (after.ExitCode, after.FinishedAt, after.StartedAt));
            Assert.Equal(ContainerState.ContainerCreated, (await created.StatusAsync()).State);
            Assert.Equal(0, (await staying.ExecAsync("true")).ExitCode);
            await created.StartAsync();
            await Check.EventuallyAsync(() => Task.FromResult(created.ReadLog("stdout") == "created\n"), "the container that was only created runs");
            Assert.Equal(PodSandboxState.SandboxReady, (await pod.StatusAsync()).State);
            await pod.OutputAsync("true");
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    /// <summary>Labels, annotations, mounts and times are a kubelet's only memory after its own restart.</summary>
    [Fact]
    public async Task Sigkill_Statuses_AreTheSameToTheLastByte()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using (var cri = node.Context())
        {
            var pod = await cri.RunPodAsync(config =>
            {
                config.Labels["äöü/\u2028"] = "line\nbreak, \"quoted\" \\ and \u0001";
                config.Annotations["empty"] = "";
                config.Annotations["long"] = new string('x', 10_000);
            });
            var container = await pod.RunShellAsync("sleep 1000", config =>
            {
                config.Annotations["json"] = "{\"a\":[1,2]}";
                config.Mounts.Add(new Mount { ContainerPath = "/data//x/", HostPath = node.Directory });
            });
            var over = await pod.RunShellAsync("exit 3");
            await over.WaitForExitAsync();
            var before = (await pod.StatusAsync(), await container.StatusAsync(), await over.StatusAsync(), await cri.Images.ListImagesAsync(new ListImagesRequest()));

            await node.RestartDaemonAsync();

            Assert.Equal(before, (await pod.StatusAsync(), await container.StatusAsync(), await over.StatusAsync(), await cri.Images.ListImagesAsync(new ListImagesRequest())));
        }
    }

    [Fact]
    public async Task Sigkill_ContainerRunsOutOfMemoryMeanwhile_IsOomKilled()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using (var cri = node.Context())
        {
            var pod = await cri.RunPodAsync();
            var container = await pod.RunShellAsync(
                "while [ ! -e /tmp/go ]; do sleep 0.02; done; exec tail -c 1000000000 /dev/zero", config => config.Linux.Resources = new LinuxContainerResources { MemoryLimitInBytes = 32 << 20 });
            await node.KillDaemonAsync();
            await File.WriteAllTextAsync($"{node.State}/containers/{container.Id}/rootfs/tmp/go", "");
            await NodeNetwork.WaitForAsync(() => Task.FromResult(File.Exists($"{node.State}/containers/{container.Id}/exit")), TimeSpan.FromSeconds(30), "the exit");

            await node.StartDaemonAsync();

            var status = await container.StatusAsync();
            Assert.Equal((ContainerState.ContainerExited, 137, "OOMKilled"), (status.State, status.ExitCode, status.Reason));
        }
    }

    [Fact]
    public async Task Sigkill_AgainAndAgainWhileTheLogIsRotated_LosesNoLine()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using (var cri = node.Context())
        {
            var pod = await cri.RunPodAsync();
            var container = await pod.RunShellAsync("i=0; while [ ! -e /tmp/end ]; do i=$((i+1)); echo $i; [ $((i % 200)) = 0 ] && sleep 0.01; done; echo end; sleep 1000");
            var files = new List<string>();
            for (var round = 0; round < Rounds.Scaled(5); round++)
            {
                // Renamed as the kubelet does it, then reopened, with the daemon killed at another place each time.
                var rotated = $"{container.LogPath}.{files.Count:D4}";
                File.Move(container.LogPath, rotated);
                files.Add(rotated);
                if (round % 2 == 0)
                    await node.RestartDaemonAsync();
                await cri.Runtime.ReopenContainerLogAsync(new ReopenContainerLogRequest { ContainerId = container.Id });
                Assert.True(File.Exists(container.LogPath));
                if (round % 2 == 1)
                    await node.RestartDaemonAsync();
            }
            await container.ExecAsync("touch", "/tmp/end");
            await Check.EventuallyAsync(() => Task.FromResult(container.ReadLog("stdout").EndsWith("end\n", StringComparison.Ordinal)), "the last line");

            var all = files.Append(container.LogPath).SelectMany(LogEntry.ReadAll).Select(entry => entry.Content).ToList();
            Assert.Equal(Enumerable.Range(1, all.Count - 1).Select(n => $"{n}").Append("end"), all);
        }
    }

    [Fact]
    public async Task Sigstop_DaemonHeldUp_ContainersAndTheirLogsGoOn()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using var cri = node.Context();
        var container = await (await cri.RunPodAsync()).RunShellAsync("while [ ! -e /tmp/go ]; do sleep 0.02; done; seq 1 20000; exit 5");
        await container.ExecAsync("touch", "/tmp/go");
        Processes.Signal(node.DaemonPid, "STOP");
        try
        {
            await Check.EventuallyAsync(() => Task.FromResult(container.ReadLog("stdout").EndsWith("20000\n", StringComparison.Ordinal)), "everything is logged without the daemon");
        }
        finally
        {
            Processes.Signal(node.DaemonPid, "CONT");
        }

        Assert.Equal(5, (await container.WaitForExitAsync()).ExitCode);
    }

    [Fact]
    public async Task Sigkill_PodWithSharedProcessNamespace_GoesOn()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using (var cri = node.Context())
        {
            var pod = await cri.RunPodAsync(config => config.Linux.SecurityContext.NamespaceOptions.Pid = NamespaceMode.Pod);
            var container = await pod.RunShellAsync("sleep 1000");

            await node.RestartDaemonAsync();

            Assert.Equal(PodSandboxState.SandboxReady, (await pod.StatusAsync()).State);
            Assert.Equal(0, (await container.ExecAsync("sh", "-c", "ps | grep -q catatonit")).ExitCode);
            await pod.OutputAsync("true");
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Fact]
    public async Task Sigkill_PodsInitProcessEndsMeanwhile_PodIsNotReady()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using (var cri = node.Context())
        {
            var pod = await cri.RunPodAsync(config => config.Linux.SecurityContext.NamespaceOptions.Pid = NamespaceMode.Pod);
            await pod.RunShellAsync("sleep 1000");
            await node.KillDaemonAsync();
            Processes.Signal(int.Parse(Shell.Run("pgrep", "-P", $"{Processes.MonitorOf(node, pod.Id)}").Trim()), "KILL");

            await node.StartDaemonAsync();

            await Check.EventuallyAsync(async () => (await pod.StatusAsync()).State is PodSandboxState.SandboxNotready, "the pod is not ready");
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Fact]
    public async Task Start_ManyContainers_TakesTheTimeOfAFew()
    {
        var count = Rounds.Scaled(40, 100);
        await using var node = await GantryNode.StartAsync(network);
        await using (var cri = node.Context())
        {
            var pod = await cri.RunPodAsync();
            await cri.PullAsync(cri.Settings.Busybox);
            for (var n = 0; n < count; n += 8)
                await Task.WhenAll(Enumerable.Range(n, Math.Min(8, count - n)).Select(_ => pod.RunShellAsync("sleep 1000")));
            await node.KillDaemonAsync();

            var taken = Stopwatch.StartNew();
            await node.StartDaemonAsync();

            Assert.Equal(count, (await cri.Runtime.ListContainersAsync(new ListContainersRequest { Filter = new ContainerFilter { State = new ContainerStateValue { State = ContainerState.ContainerRunning } } })).Containers.Count);
            // Printed, not asserted: tests don't fail on time alone.
            TestContext.Current.SendDiagnosticMessage($"ready after {taken.Elapsed.TotalMilliseconds:0} ms with {count} containers");
            Assert.Contains($"{count} containers ({count} running)", node.ReadLog(), StringComparison.Ordinal);
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }
}
