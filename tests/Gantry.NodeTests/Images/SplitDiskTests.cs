using System.Text.Json.Nodes;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Gantry.TestImages;
using Grpc.Core;
using Xunit;

namespace Gantry.NodeTests.Images;

/// <summary>Nodes that have blobs, layers or containers on a disk of their own, mounted below the root.</summary>
public sealed class SplitDiskTests(NodeNetwork network)
{
    private const long Written = 2 << 20;

    [Theory]
    [InlineData("containers", "layers, blobs", "containers")]
    [InlineData("images", "layers, containers", "blobs")]
    [InlineData("snapshots", "layers", "blobs, containers")]
    public async Task FolderOnADiskOfItsOwn_IsToldApartAndWorks(string folder, params string[] holds)
    {
        var mount = "";
        await using var node = await GantryNode.StartAsync(network, prepare: prepared => mount = prepared.MountDisk($"{prepared.Root}/{folder}", 96));
        await using (var cri = node.Context())
        {
            var pod = await cri.RunPodAsync();
            var container = await pod.RunShellAsync("sleep 1000");
            await container.ShellAsync($"head -c {Written} /dev/urandom > /written");

            var info = await node.Images.ImageFsInfoAsync(new ImageFsInfoRequest());
            var stats = (await node.Runtime.ContainerStatsAsync(new ContainerStatsRequest { ContainerId = container.Id })).Stats;
            var disks = JsonNode.Parse(ImageToolsTests.Ok(node, "system", "df", "-o", "json"))!["disks"]!.AsArray();

            Assert.Equal(folder == "snapshots", info.ImageFilesystems[0].FsId.Mountpoint == mount);
            Assert.Equal(folder == "containers" ? 1 : 2, info.ImageFilesystems.Count);
            Assert.Equal(folder == "images", info.ImageFilesystems[^1].FsId.Mountpoint == mount);
            Assert.Equal(folder == "containers", info.ContainerFilesystems.Single().FsId.Mountpoint == mount);
            Assert.Equal(folder == "containers", stats.WritableLayer.FsId.Mountpoint == mount);
            Assert.All(info.ImageFilesystems.Concat(info.ContainerFilesystems), disk => Assert.True(disk.UsedBytes.Value > 0 && disk.InodesUsed.Value > 0, $"{disk}"));
            if (folder != "images")
                Assert.InRange((long)info.ContainerFilesystems[0].UsedBytes.Value, Written, 90 << 20);
            Assert.Equal(holds, disks.Select(disk => (string)disk!["holds"]!));
            var own = disks.Single(disk => (string)disk!["mountPoint"]! == mount)!;
            Assert.Equal(new DriveInfo(mount).TotalSize, (long)own["totalBytes"]!);
        }

        foreach (var image in (await node.Images.ListImagesAsync(new ListImagesRequest())).Images)
            await node.Images.RemoveImageAsync(new RemoveImageRequest { Image = new ImageSpec { Image = image.Id } });

        Assert.Equal(0ul, (await node.Images.ImageFsInfoAsync(new ImageFsInfoRequest())).ImageFilesystems[0].UsedBytes.Value);
    }

    [Fact]
    public async Task F31_LayersThatDoNotFitOnTheirDisk_AreRefusedBeforeAnythingIsFetched()
    {
        await using var node = await GantryNode.StartAsync(network, prepare: prepared => prepared.MountSmall($"{prepared.Root}/snapshots", "48m"));
        using var http = network.Http();
        await new RegistryPusher(http, "127.0.0.1:5000").PushAsync("split/large", ["1"], [.. BenchImages.Layers(2, 12)], []);

        var failure = await Assert.ThrowsAsync<RpcException>(async () => await node.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = "split.test/split/large:1" } }));

        Assert.Equal(StatusCode.ResourceExhausted, failure.StatusCode);
        Assert.Contains($"{node.Root}/snapshots", failure.Status.Detail, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries($"{node.Root}/images/ingest"));
    }
}
