using Gantry.Linux.Mounts;
using Gantry.NodeTests.Harness;
using Xunit;

namespace Gantry.NodeTests.Handlers;

/// <summary>What a runtime that starts a process in a container sees of the node's mounts.</summary>
public sealed class ExecMountsTests(NodeNetwork network)
{
    [Theory]
    [InlineData("/usr/bin/crun")]
    [InlineData("/usr/sbin/runc")]
    public async Task Exec_WithPodsBeside_TheRuntimeSeesTheNodesMountsAndNoPods(string runtime)
    {
        await using var node = await StartAsync(runtime, _ => { });
        await using var cri = node.Context("watched");
        var first = await (await cri.RunPodAsync()).RunShellAsync("sleep 1000");

        Assert.Equal("one", await first.ShellAsync("echo one"));
        var second = await (await cri.RunPodAsync()).RunShellAsync("sleep 1000");
        var later = node.MountSmall($"{node.Directory}/later", "1m");
        Assert.Equal("two", await second.ShellAsync("echo two"));

        var seen = TakeSeen(node);
        Assert.Equal(2, seen.Count);
        Assert.All(seen, mounts =>
        {
            Assert.Contains(mounts, mount => mount == node.Run);
            Assert.Contains(mounts, mount => mount.StartsWith("/sys/fs/cgroup", StringComparison.Ordinal));
            Assert.DoesNotContain(mounts, mount => mount.StartsWith(node.State, StringComparison.Ordinal));
        });
        // Other mounts come and go there as on the node, whose disks it must not keep.
        Assert.Equal([false, true], seen.Select(mounts => mounts.Contains(later)));
        Shell.Run("umount", later);
        Assert.Equal("three", await first.ShellAsync("echo three"));
        Assert.DoesNotContain(later, TakeSeen(node).Single());

        // The node itself has lost nothing.
        var own = File.ReadLines($"/proc/{node.DaemonPid}/mounts").Select(line => line.Split(' ')[1]).ToList();
        foreach (var container in new[] { first, second })
            Assert.Contains($"{node.State}/containers/{container.Id}/rootfs", own);
        Assert.Equal(2, own.Count(mount => mount.StartsWith($"{node.State}/pods/", StringComparison.Ordinal) && mount.EndsWith("/net", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Exec_StateOnTheRootFileSystem_IsStartedAmongAllMounts()
    {
        Assert.SkipUnless(MountTable.Holding(network.Directory)?.MountPoint == "/", $"{network.Directory} lies on a file system of its own here");
        await using var node = await StartAsync("/usr/bin/crun", node => Shell.Run("umount", node.Run));
        await using var cri = node.Context("watched");
        var container = await (await cri.RunPodAsync()).RunShellAsync("sleep 1000");

        Assert.Equal("one", await container.ShellAsync("echo one"));

        Assert.Contains($"{node.State}/containers/{container.Id}/rootfs", TakeSeen(node).Single());
    }

    /// <summary>A node whose handler "watched" notes the mount points that it sees at each exec.</summary>
    private Task<GantryNode> StartAsync(string runtime, Action<GantryNode> prepare)
    {
        var program = $"{network.Directory}/watched-{Guid.NewGuid():N}";
        return GantryNode.StartAsync(network, $"[runtime.handlers]\nwatched = \"{program}\"\n", node =>
        {
            prepare(node);
            Shell.WriteScript(program, $"""
                #!/bin/sh
                case " $* " in *" exec "*) cut -d ' ' -f 2 /proc/self/mounts > "{node.Directory}/seen.$(date +%s%N)" ;; esac
                exec {runtime} "$@"
                """);
        });
    }

    /// <summary>What has been noted since it was last asked for, in order.</summary>
    private static List<string[]> TakeSeen(GantryNode node)
    {
        var files = Directory.GetFiles(node.Directory, "seen.*").Order(StringComparer.Ordinal).ToList();
        var seen = files.ConvertAll(File.ReadAllLines);
        files.ForEach(File.Delete);
        return seen;
    }
}
