using Gantry.Conformance;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Grpc.Core;
using Xunit;

namespace Gantry.NodeTests.Recovery;

/// <summary>
/// The daemon killed at a random moment of a call. After its restart every object that is listed works and can be removed,
/// the same request succeeds, a bystander has noticed nothing, and in the end nothing is left.
/// </summary>
public sealed class CrashTests(NodeNetwork network)
{
    /// <summary>By call: what to prepare, and what to do while the daemon is killed.</summary>
    private static readonly Dictionary<string, Func<Attempt, Task>> _calls = new()
    {
        ["RunPodSandbox"] = async attempt => await attempt.Cri.Runtime.RunPodSandboxAsync(new RunPodSandboxRequest { Config = attempt.Pod.Config }),
        ["CreateContainer"] = async attempt => await attempt.Cri.Runtime.CreateContainerAsync(attempt.Request),
        ["StartContainer"] = async attempt => await attempt.Cri.Runtime.StartContainerAsync(new StartContainerRequest { ContainerId = attempt.Container }),
        ["StopContainer"] = async attempt => await attempt.Cri.Runtime.StopContainerAsync(new StopContainerRequest { ContainerId = attempt.Container }),
        ["RemoveContainer"] = async attempt => await attempt.Cri.Runtime.RemoveContainerAsync(new RemoveContainerRequest { ContainerId = attempt.Container }),
        ["StopPodSandbox"] = async attempt => await attempt.Cri.Runtime.StopPodSandboxAsync(new StopPodSandboxRequest { PodSandboxId = attempt.Pod.Id }),
        ["RemovePodSandbox"] = async attempt => await attempt.Cri.Runtime.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = attempt.Pod.Id }),
    };

    public static TheoryData<string> Calls => [.. _calls.Keys];

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task Sigkill_DuringACall_NothingIsHalfMade(string call)
    {
        await using var node = await GantryNode.StartAsync(network);
        var random = new Random(call.Length);
        await using (var cri = node.Context())
        {
            await cri.PullAsync(cri.Settings.Busybox);
            var bystander = await (await cri.RunPodAsync()).RunShellAsync("sleep 1000");
            var process = await Processes.PidOfAsync(node, bystander.Id);
            for (var round = 0; round < Rounds.Scaled(5); round++)
            {
                var attempt = await PrepareAsync(cri, call, round % 2 == 0 ? "crun" : "runc");
                // How long it takes on this machine, to hit it at any of its steps.
                var running = _calls[call](attempt);
                await Task.WhenAny(running, Task.Delay(random.Next(0, 120)));
                await node.RestartDaemonAsync();
                await EndAsync(running);

                await CheckAsync(cri, attempt);
                Assert.Equal(process, await Processes.PidOfAsync(node, bystander.Id));
                await Leave(cri, bystander.Pod.Id);
                Assert.Equal(0, (await bystander.ExecAsync("true")).ExitCode);
            }
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node, TimeSpan.FromSeconds(15)));
    }

    [Fact]
    public async Task Sigkill_DuringAPull_ImageIsWholeOrAbsent()
    {
        await using var node = await GantryNode.StartAsync(network);
        var random = new Random(3);
        await using (var cri = node.Context())
        {
            var image = cri.Settings.TestImage("layers");
            for (var round = 0; round < Rounds.Scaled(6); round++)
            {
                var pull = cri.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = image } }).ResponseAsync;
                await Task.WhenAny(pull, Task.Delay(random.Next(0, 150)));
                await node.RestartDaemonAsync();
                await EndAsync(pull);

                var isThere = (await cri.Images.ImageStatusAsync(new ImageStatusRequest { Image = new ImageSpec { Image = image } })).Image is not null;
                if (!isThere)
                    await cri.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = image } });
                var pod = await cri.RunPodAsync(config => config.Linux.SecurityContext.NamespaceOptions.Network = NamespaceMode.Node);
                Assert.Equal("0 1 2 4 5", await OutputAsync(pod, image, "cd /layers; echo *"));
                await pod.RemoveAsync();
                await cri.Images.RemoveImageAsync(new RemoveImageRequest { Image = new ImageSpec { Image = image } });
            }
            Assert.Empty(Directory.GetFileSystemEntries($"{node.Root}/images/ingest"));
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Fact]
    public async Task Sigkill_DuringTheRecovery_TheNextStartSucceeds()
    {
        await using var node = await GantryNode.StartAsync(network);
        var random = new Random(5);
        await using (var cri = node.Context())
        {
            var pod = await cri.RunPodAsync();
            var container = await pod.RunShellAsync("sleep 1000");
            var torn = await cri.RunPodAsync();
            await torn.RunShellAsync("sleep 1000");
            await node.KillDaemonAsync();
            await File.WriteAllTextAsync($"{node.Root}/pods/{torn.Id}/state.json", "");
            for (var round = 0; round < Rounds.Scaled(5); round++)
            {
                node.BeginDaemon();
                await Task.Delay(random.Next(0, 250));
                await node.KillDaemonAsync();
            }

            await node.StartDaemonAsync();

            Assert.Equal(ContainerState.ContainerRunning, (await container.StatusAsync()).State);
            Assert.Equal(0, (await container.ExecAsync("true")).ExitCode);
            Assert.Equal(pod.Id, Assert.Single((await cri.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest())).Items).Id);
            await Check.EventuallyAsync(async () => (await cri.Runtime.ListContainersAsync(new ListContainersRequest())).Containers.Count == 1, "the torn pod's container is gone");
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    private static async Task<Attempt> PrepareAsync(SpecContext cri, string call, string handler)
    {
        var config = cri.PodConfig();
        Directory.CreateDirectory(config.LogDirectory);
        if (call == "RunPodSandbox")
            return new Attempt(cri, new SpecPod(cri, "", config), "", new CreateContainerRequest());
        var id = (await cri.Runtime.RunPodSandboxAsync(new RunPodSandboxRequest { Config = config, RuntimeHandler = handler })).PodSandboxId;
        var pod = new SpecPod(cri, id, config);
        var request = new CreateContainerRequest { PodSandboxId = id, Config = pod.ContainerConfig(cri.Settings.Busybox, "sleep", "1000"), SandboxConfig = config };
        if (call == "CreateContainer")
            return new Attempt(cri, pod, "", request);
        var container = (await cri.Runtime.CreateContainerAsync(request)).ContainerId;
        if (call != "StartContainer")
            await cri.Runtime.StartContainerAsync(new StartContainerRequest { ContainerId = container });
        return new Attempt(cri, pod, container, request);
    }

    /// <summary>What is listed answers; what was asked for can be asked for again.</summary>
    private static async Task CheckAsync(SpecContext cri, Attempt attempt)
    {
        foreach (var container in (await cri.Runtime.ListContainersAsync(new ListContainersRequest())).Containers)
        {
            var status = (await cri.Runtime.ContainerStatusAsync(new ContainerStatusRequest { ContainerId = container.Id })).Status;
            Assert.Equal(container.State, status.State);
            if (status.State is ContainerState.ContainerRunning)
                Assert.Equal(0, (await cri.Runtime.ExecSyncAsync(new ExecSyncRequest { ContainerId = container.Id, Cmd = { "true" } })).ExitCode);
        }
        foreach (var pod in (await cri.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest())).Items)
            Assert.NotEqual(0, (await cri.Runtime.PodSandboxStatusAsync(new PodSandboxStatusRequest { PodSandboxId = pod.Id })).Status.CreatedAt);
        if (attempt.Request.Config is not null && (await cri.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest())).Items.Any(pod => pod.Id == attempt.Pod.Id && pod.State is PodSandboxState.SandboxReady))
        {
            var next = attempt.Request.Clone();
            next.Config.Metadata.Attempt = 1;
            var id = (await cri.Runtime.CreateContainerAsync(next)).ContainerId;
            await cri.Runtime.StartContainerAsync(new StartContainerRequest { ContainerId = id });
            return;
        }
        var config = attempt.Pod.Config.Clone();
        if (attempt.Request.Config is not null)
            config.Metadata.Attempt = 1;
        await cri.Runtime.RunPodSandboxAsync(new RunPodSandboxRequest { Config = config });
    }

    private static async Task Leave(SpecContext cri, string bystander)
    {
        foreach (var pod in (await cri.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest())).Items.Where(pod => pod.Id != bystander))
        {
            await cri.Runtime.StopPodSandboxAsync(new StopPodSandboxRequest { PodSandboxId = pod.Id });
            await cri.Runtime.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = pod.Id });
        }
        Assert.Single((await cri.Runtime.ListContainersAsync(new ListContainersRequest())).Containers);
    }

    private static async Task<string> OutputAsync(SpecPod pod, string image, string script)
    {
        var container = await pod.CreateAsync(pod.ContainerConfig(image, "sh", "-c", script));
        await container.StartAsync();
        await container.WaitForExitAsync();
        return container.ReadLog("stdout").TrimEnd('\n');
    }

    private static async Task EndAsync(Task call)
    {
        try
        {
            await call;
        }
        catch (RpcException e)
        {
            Assert.True(e.StatusCode is StatusCode.Unavailable or StatusCode.Cancelled or StatusCode.Internal or StatusCode.Unknown, e.Status.ToString());
        }
    }

    private sealed record Attempt(SpecContext Cri, SpecPod Pod, string Container, CreateContainerRequest Request);
}
