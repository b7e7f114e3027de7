using Gantry.Conformance;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Xunit;

namespace Gantry.NodeTests.Recovery;

/// <summary>A daemon that finds less than it left: after a reboot, with records torn, or with things taken away behind its back.</summary>
public sealed class LossTests(NodeNetwork network)
{
    [Fact]
    public async Task Reboot_EverythingThatRan_IsOverAndRemovable()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using (var cri = node.Context())
        {
            var pod = await cri.RunPodAsync();
            var running = await pod.RunShellAsync("echo before; sleep 1000");
            var created = await pod.CreateShellAsync("true");
            var over = await pod.RunShellAsync("exit 3");
            await over.WaitForExitAsync();
            var config = pod.Config;
            await node.KillDaemonAsync();
            Reboot.Of(node);

            await node.StartDaemonAsync();

            Assert.Equal(PodSandboxState.SandboxNotready, (await pod.StatusAsync()).State);
            var status = await running.StatusAsync();
            Assert.Equal((ContainerState.ContainerExited, 255, "Unknown"), (status.State, status.ExitCode, status.Reason));
            Assert.Contains("restarted", status.Message, StringComparison.Ordinal);
            Assert.Equal(ContainerState.ContainerExited, (await created.StatusAsync()).State);
            Assert.Equal((3, "Error"), ((await over.StatusAsync()).ExitCode, (await over.StatusAsync()).Reason));
            Assert.Equal("before\n", running.ReadLog("stdout"));
            Assert.NotNull((await cri.Images.ImageStatusAsync(new ImageStatusRequest { Image = new ImageSpec { Image = cri.Settings.Busybox } })).Image);
            // The address is given back although its namespace is gone.
            await Check.EventuallyAsync(() => Task.FromResult(!Directory.EnumerateFiles($"{node.Directory}/ipam/test{node.Number}").Any(file => System.Net.IPAddress.TryParse(Path.GetFileName(file), out _))), "the address is free");
            var next = config.Clone();
            next.Metadata.Attempt = 1;
            await (await cri.RunPodAsync(next)).OutputAsync("true");
            await pod.RemoveAsync();
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    public static TheoryData<string> Damages => ["empty", "cut", "zeros", "garbage", "missing", "link"];

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task Records_Damaged_CostTheirObjectsAloneAndTheDaemonStarts(string damage)
    {
        await using var node = await GantryNode.StartAsync(network);
        await using (var cri = node.Context())
        {
            var good = await cri.RunPodAsync();
            var running = await good.RunShellAsync("sleep 1000");
            var tornContainer = await good.RunShellAsync("sleep 1000");
            var tornPod = await cri.RunPodAsync();
            await tornPod.RunShellAsync("sleep 1000");
            await node.KillDaemonAsync();
            Damage(damage, $"{node.Root}/containers/{tornContainer.Id}/state.json");
            Damage(damage, $"{node.Root}/pods/{tornPod.Id}/state.json");

            await node.StartDaemonAsync();

            Assert.Equal(0, (await running.ExecAsync("true")).ExitCode);
            Assert.Contains(tornPod.Id, node.ReadLog(), StringComparison.Ordinal);
            Assert.Contains(tornContainer.Id, node.ReadLog(), StringComparison.Ordinal);
            Assert.Equal(good.Id, Assert.Single((await cri.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest())).Items).Id);
            await Check.EventuallyAsync(async () => (await cri.Runtime.ListContainersAsync(new ListContainersRequest())).Containers is [var only] && only.Id == running.Id, "the torn pod's containers are gone with it");
            // The kubelet asks for it again, by the same name.
            await tornContainer.RemoveAsync();
            await good.CreateAsync(tornContainer.Config);
            await cri.RunPodAsync(tornPod.Config);
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Fact]
    public async Task Leftovers_OfUnknownIds_AreCleanedAndForeignOnesKept()
    {
        await using var node = await GantryNode.StartAsync(network);
        var id = new string('a', 64);
        var foreign = $"{node.State}/containers/not-an-id";
        await node.KillDaemonAsync();
        Directory.CreateDirectory($"{node.State}/containers/{id}/rootfs");
        Shell.Run("mount", "-t", "tmpfs", "x", $"{node.State}/containers/{id}/rootfs");
        Directory.CreateDirectory($"{node.State}/pods/{id}");
        Directory.CreateDirectory($"{node.Root}/containers/{id}/upper");
        Directory.CreateDirectory($"{node.Root}/trash/old/deep");
        Directory.CreateDirectory(foreign);

        await node.StartDaemonAsync();

        Assert.Equal([$"container state {foreign}"], await Leftovers.AwaitNoneAsync(node, TimeSpan.FromSeconds(5)));
        Directory.Delete(foreign);
    }

    [Fact]
    public async Task Namespaces_TakenAway_PodIsNotReadyAtTheNextStartAndRemovable()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using (var cri = node.Context())
        {
            var pod = await cri.RunPodAsync();
            await pod.RunShellAsync("sleep 1000");
            await node.KillDaemonAsync();
            Shell.Run("umount", "-l", $"{node.State}/pods/{pod.Id}/net");

            await node.StartDaemonAsync();

            Assert.Equal(PodSandboxState.SandboxNotready, (await pod.StatusAsync()).State);
            await pod.RemoveAsync();
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Fact]
    public async Task Runtime_DeletedBehindOurBack_ContainerEndsAndIsRemovable()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using (var cri = node.Context("crun"))
        {
            var pod = await cri.RunPodAsync();
            var container = await pod.RunShellAsync("sleep 1000");

            var (code, text) = Shell.Try("crun", "--root", $"{node.State}/runtime/crun", "delete", "--force", container.Id);
            // Once the process is killed, the daemon's own delete may be the first.
            Assert.True(code == 0 || text.Contains("No such file or directory", StringComparison.Ordinal), text);

            Assert.Equal(137, (await container.WaitForExitAsync()).ExitCode);
            await container.RemoveAsync();
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Fact]
    public async Task Cleaning_ThatFailsAtFirst_IsTriedAgain()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using (var cri = node.Context())
        {
            var torn = await cri.RunPodAsync();
            await node.KillDaemonAsync();
            await File.WriteAllTextAsync($"{node.Root}/pods/{torn.Id}/state.json", "{");
            node.Gates.Break("DEL");
            await node.StartDaemonAsync();
            await Check.EventuallyAsync(() => Task.FromResult(node.ReadLog().Contains("it is tried again", StringComparison.Ordinal)), "the failure is told");
            Assert.True(Directory.Exists($"{node.Root}/pods/{torn.Id}"));

            node.Gates.Open("DEL");

            await Check.EventuallyAsync(() => Task.FromResult(!Directory.Exists($"{node.Root}/pods/{torn.Id}")), "it is cleaned", TimeSpan.FromSeconds(30));
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    private static void Damage(string damage, string path)
    {
        var whole = File.ReadAllBytes(path);
        File.Delete(path);
        switch (damage)
        {
            case "empty":
                File.WriteAllBytes(path, []);
                break;
            case "cut":
                File.WriteAllBytes(path, whole[..(whole.Length / 2)]);
                break;
            case "zeros":
                File.WriteAllBytes(path, new byte[whole.Length]);
                break;
            case "garbage":
                File.WriteAllBytes(path, [.. whole.Select(b => (byte)(b ^ 0x55))]);
                break;
            case "link":
                File.CreateSymbolicLink(path, "/dev/zero");
                break;
            default:
                break;
        }
    }
}
