using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Gantry.TestImages;
using Grpc.Core;
using Xunit;

namespace Gantry.NodeTests.Images;

/// <summary>F31: a node whose disk is too small, or full.</summary>
public sealed class FullDiskTests(NodeNetwork network)
{
    private const string Busybox = "docker.io/library/busybox:latest";

    [Fact]
    public async Task F31_ImageThatDoesNotFit_IsRefusedAndLeavesTheDiskAsItWas()
    {
        await using var node = await StartAsync();
        using var http = network.Http();
        await new RegistryPusher(http, "127.0.0.1:5000").PushAsync("full/large", ["1"], [.. BenchImages.Layers(2, 30)], []);
        var before = Free(node);

        var failure = await Assert.ThrowsAsync<RpcException>(() => PullAsync(node, "full.test/full/large:1"));

        Assert.Equal(StatusCode.ResourceExhausted, failure.StatusCode);
        Assert.Contains(node.Root, failure.Status.Detail, StringComparison.Ordinal);
        Assert.InRange(Free(node), before - (64 << 10), before);
    }

    [Fact]
    public async Task F31_DiskThatIsFull_StillRemovesImagesAndThenPulls()
    {
        await using var node = await StartAsync();
        await PullAsync(node, Busybox);
        Shell.Try("sh", "-c", $"head -c 200M /dev/zero > {node.Root}/ballast");
        Assert.InRange(Free(node), 0, 4096);

        await node.Images.RemoveImageAsync(new RemoveImageRequest { Image = new ImageSpec { Image = Busybox } });

        Assert.Empty((await node.Images.ListImagesAsync(new ListImagesRequest())).Images);
        Assert.True(Free(node) > 500_000, node.ReadLog());
        File.Delete($"{node.Root}/ballast");
        await PullAsync(node, Busybox);
        await node.KillDaemonAsync();
        await node.StartDaemonAsync();
        Assert.Single((await node.Images.ListImagesAsync(new ListImagesRequest())).Images);
    }

    private Task<GantryNode> StartAsync() => GantryNode.StartAsync(network, prepare: node => node.MountSmall(node.Root, "80m"));

    private static async Task PullAsync(GantryNode node, string image) =>
        await node.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = image } });

    private static long Free(GantryNode node) => new DriveInfo(node.Root).AvailableFreeSpace;
}
