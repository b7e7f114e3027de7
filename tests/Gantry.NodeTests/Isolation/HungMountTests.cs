using System.Diagnostics;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Grpc.Core;
using Xunit;

namespace Gantry.NodeTests.Isolation;

/// <summary>A mount whose server does not answer, as a dead NFS: whoever looks at it hangs in the kernel.</summary>
public sealed class HungMountTests(NodeNetwork network)
{
    [Fact]
    public async Task Create_SourceOnAHungMount_OthersGoOnAndItEndsAtTheDeadlineWithNothingLeft()
    {
        await using var node = await GantryNode.StartAsync(network, "[runtime]\ntimeout_seconds = 4");
        await using (var hung = new HungMount($"{node.Directory}/dead"))
        await using (var cri = node.Context())
        {
            var pod = await cri.RunPodAsync();
            var bystander = await pod.RunShellAsync("sleep 1000");
            var hanging = pod.CreateShellAsync("true", config => config.Mounts.Add(new Mount { ContainerPath = "/data", HostPath = $"{hung.Path}/volume" }));
            await hung.WaitForAccessAsync();

            await Promptly.WhileAsync(hanging, async () => await cri.Runtime.ListContainersAsync(new ListContainersRequest()));
            await Promptly.WhileAsync(hanging, async () => await bystander.StatusAsync());
            Assert.Equal(0, (await bystander.ExecAsync("true")).ExitCode);
            await (await pod.CreateShellAsync("true")).StartAsync();
            var failure = await Assert.ThrowsAsync<RpcException>(() => hanging);

            Assert.Equal(StatusCode.DeadlineExceeded, failure.StatusCode);
            Assert.Contains("mount", failure.Status.Detail, StringComparison.Ordinal);
            Assert.Equal(2, (await cri.Runtime.ListContainersAsync(new ListContainersRequest())).Containers.Count);
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    [Fact]
    public async Task Create_ManySourcesOnHungMounts_AreRefusedInTimeAndTheNodeRecovers()
    {
        await using var node = await GantryNode.StartAsync(network, "[runtime]\ntimeout_seconds = 2\nmax_parallel = 4");
        await using (var cri = node.Context())
        {
            var pod = await cri.RunPodAsync();
            await using (var hung = new HungMount($"{node.Directory}/dead"))
            {
                var hanging = Enumerable.Range(0, 6).Select(n => pod.CreateShellAsync("true", config => config.Mounts.Add(new Mount { ContainerPath = "/data", HostPath = $"{hung.Path}/{n}" }))).ToList();
                await hung.WaitForAccessAsync();
                foreach (var one in hanging)
                    Assert.True((await Assert.ThrowsAsync<RpcException>(() => one)).StatusCode is StatusCode.DeadlineExceeded or StatusCode.Unavailable);
                await Promptly.Async(async () => await pod.StatusAsync());
            }
            // The server is back, or the mount is gone.
            await NodeNetwork.WaitForAsync(
                async () =>
                {
                    await pod.OutputAsync("true");
                    return true;
                },
                TimeSpan.FromSeconds(20), "a container after the mount was taken away");
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    /// <summary>A FUSE file system that is mounted and never served.</summary>
    private sealed class HungMount : IAsyncDisposable
    {
        private readonly Process _holder;
        private readonly string _control;

        public HungMount(string path)
        {
            Path = path;
            _control = path + "-control";
            Directory.CreateDirectory(path);
            Directory.CreateDirectory(_control);
            Shell.Run("mount", "-t", "fusectl", "none", _control);
            // The descriptor is the server: whoever holds it answers, or does not.
            _holder = Shell.Start("bash", "-c", $"exec 5<>/dev/fuse; mount -i -t fuse -o fd=5,rootmode=40000,user_id=0,group_id=0 dead '{path}' && echo mounted && exec sleep 1000");
            Assert.Equal("mounted", _holder.StandardOutput.ReadLine());
        }

        public string Path { get; }

        /// <summary>Waits until a process hangs on it.</summary>
        public Task WaitForAccessAsync() => NodeNetwork.WaitForAsync(
            () => Task.FromResult(int.Parse(Shell.Run("sh", "-c", $"cat {_control}/*/waiting 2>/dev/null | sort -n | tail -1")) > 1), TimeSpan.FromSeconds(20), "a look at the hung mount");

        public async ValueTask DisposeAsync()
        {
            _holder.Kill();
            await _holder.WaitForExitAsync();
            _holder.Dispose();
            Shell.Try("umount", "-l", Path);
            Shell.Try("umount", "-l", _control);
        }
    }
}
