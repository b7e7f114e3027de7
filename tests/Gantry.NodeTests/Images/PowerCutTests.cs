using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Gantry.TestImages;
using Grpc.Core;
using Xunit;

namespace Gantry.NodeTests.Images;

/// <summary>
/// F29 and F41: the daemon killed, or the power cut, at a random moment of pulls and removals. The node's root is an ext4 on
/// a loop device that is shut down under the running daemon, so that only what was flushed is there afterwards.
/// </summary>
public sealed partial class PowerCutTests(NodeNetwork network)
{
    private static readonly string[] _names = ["bench.test/cut/one:1", "bench.test/cut/two:1"];

    /// <summary>GANTRY_TEST_ROUNDS=50 makes 200 of them.</summary>
    private static int Count => Rounds.Scaled(4);

    [Fact]
    public async Task F41_PowerCutDuringPulls_LeavesWholeImagesOrNone()
    {
        await PushAsync();
        var disk = "";
        await using var node = await GantryNode.StartAsync(network, prepare: prepared => disk = MakeDisk(prepared));
        try
        {
            var random = new Random(1);
            for (var round = 0; round < Count; round++)
            {
                var work = WorkAsync(node);
                await Task.Delay(random.Next(1500));
                CutPower($"{node.Directory}/root");
                await node.KillDaemonAsync();
                await work;
                Shell.Run("umount", $"{node.Directory}/root");
                Shell.Run("mount", "-o", "loop", disk, $"{node.Directory}/root");
                await StartAsync(node, round);
                await CheckAsync(node, $"round {round}");
            }
            await PullAllAsync(node);
            await CheckAsync(node, "the end");
            Assert.Equal(2, (await node.Images.ListImagesAsync(new ListImagesRequest())).Images.Count);
        }
        finally
        {
            await node.KillDaemonAsync();
            Shell.Run("umount", $"{node.Directory}/root");
            await node.StartDaemonAsync();
        }
    }

    [Fact]
    public async Task F29_KilledDuringPulls_TheNextPullTakesUpWhatIsThere()
    {
        await PushAsync();
        await using var node = await GantryNode.StartAsync(network);
        var random = new Random(2);
        for (var round = 0; round < Count; round++)
        {
            var work = WorkAsync(node);
            await Task.Delay(random.Next(1500));
            await node.KillDaemonAsync();
            await work;
            await node.StartDaemonAsync();
            Assert.Empty(Directory.GetFileSystemEntries($"{node.Directory}/root/images/ingest"));
            await CheckAsync(node, $"round {round}");
        }
        await PullAllAsync(node);
        await CheckAsync(node, "the end");
    }

    private static async Task StartAsync(GantryNode node, int round)
    {
        try
        {
            await node.StartDaemonAsync();
        }
        catch (Exception e) when (e is RpcException or TimeoutException)
        {
            Assert.Fail($"round {round}: the daemon did not start: {e.Message}\n{node.ReadLog()}");
        }
    }

    private async Task PushAsync()
    {
        using var http = network.Http();
        var pusher = new RegistryPusher(http, "127.0.0.1:5000");
        var layers = BenchImages.Layers(5, 6).ToList();
        await pusher.PushAsync("cut/one", ["1"], layers[..4], new JsonObject());
        await pusher.PushAsync("cut/two", ["1"], [layers[0], layers[4]], new JsonObject());
    }

    /// <summary>Pulls and removals until the daemon is gone.</summary>
    private static async Task WorkAsync(GantryNode node)
    {
        var images = node.Images;
        try
        {
            while (true)
            {
                await PullAllAsync(images);
                foreach (var name in _names)
                    await images.RemoveImageAsync(new RemoveImageRequest { Image = new ImageSpec { Image = name } });
            }
        }
        catch (Exception e) when (e is RpcException or ObjectDisposedException)
        {
            // The daemon was killed, or its disk is gone.
        }
    }

    private static Task PullAllAsync(GantryNode node) => PullAllAsync(node.Images);

    private static Task PullAllAsync(ImageService.ImageServiceClient images) =>
        Task.WhenAll(_names.Select(async name => await images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = name } })));

    /// <summary>Every image that is listed is whole, byte for byte, and none of its files is empty that should not be.</summary>
    private static async Task CheckAsync(GantryNode node, string when)
    {
        foreach (var image in (await node.Images.ListImagesAsync(new ListImagesRequest())).Images)
            Assert.NotEmpty(image.RepoTags);
        var (_, output) = node.Gantry("fsck");
        // What was damaged before the start counts as absent, and is said to; a listed image has no damage.
        var damage = output.Split('\n').Where(line => line.StartsWith("blob ", StringComparison.Ordinal) || line.StartsWith("layer ", StringComparison.Ordinal));
        Assert.True(!damage.Any(), $"{when}: {output}\n{node.ReadLog()}");
    }

    private static string MakeDisk(GantryNode node)
    {
        var disk = $"{node.Directory}/disk.img";
        Shell.Run("truncate", "-s", "1G", disk);
        Shell.Run("mkfs.ext4", "-q", "-F", disk);
        Directory.CreateDirectory($"{node.Directory}/root");
        Shell.Run("mount", "-o", "loop", disk, $"{node.Directory}/root");
        return disk;
    }

    /// <summary>EXT4_IOC_SHUTDOWN without flushing the journal: from here on the disk is as it was.</summary>
    private static void CutPower(string mountPoint)
    {
        const nuint Shutdown = 0x8004587d;
        var withoutFlush = 2u;
        var fd = Open(mountPoint, 0);
        Assert.True(fd >= 0, $"open {mountPoint}: {Marshal.GetLastPInvokeError()}");
        Assert.Equal(0, Control(fd, Shutdown, ref withoutFlush));
        Close(fd);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Control(int fd, nuint request, ref uint argument);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int fd);
}
