using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Gantry.TestImages;
using Grpc.Core;
using Xunit;

namespace Gantry.NodeTests.Faults;

/// <summary>Layers that try to reach the node: whether they are refused or tamed, what is outside stays as it is.</summary>
public sealed class HostileLayerTests(NodeNetwork network)
{
    private const string Host = "hostile.test";

    [Fact]
    public async Task Pull_LayersThatReachOutside_TouchNothingThere()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using var registry = new ScriptedRegistry(network.NetnsPath);
        registry.ServeAs(node, Host);
        var canary = Path.Combine(node.Directory, "canary");
        Directory.CreateDirectory(canary);
        await File.WriteAllTextAsync($"{canary}/file", "untouched");
        var up = string.Concat(Enumerable.Repeat("../", 20)) + canary.TrimStart('/');
        var layers = new Dictionary<string, LayerBuilder>
        {
            ["path-upwards"] = new LayerBuilder().File($"{up}/new", "x"),
            ["absolute-path"] = new LayerBuilder().File($"/{canary}/new", "x"),
            ["through-an-absolute-link"] = new LayerBuilder().SymbolicLink("link", canary).File("link/new", "x"),
            ["through-a-relative-link"] = new LayerBuilder().SymbolicLink("link", up).File("link/file", "x"),
            ["hard-link-to-outside"] = new LayerBuilder().HardLink("stolen", $"{canary}/file"),
            ["hard-link-upwards"] = new LayerBuilder().HardLink("stolen", $"{up}/file"),
            ["whiteout-through-a-link"] = new LayerBuilder().SymbolicLink("link", canary).File("link/.wh.file", ""),
            ["opaque-through-a-link"] = new LayerBuilder().SymbolicLink("link", canary).File("link/.wh..wh..opq", ""),
            ["whiteout-of-the-parent"] = new LayerBuilder().File(".wh...", ""),
            ["root-as-a-link"] = new LayerBuilder().SymbolicLink("./", canary),
        };
        foreach (var (name, layer) in layers)
        {
            registry.AddImage(name, layer.Build());
            try
            {
                await node.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = $"{Host}/{name}:latest" } });
                await node.Images.RemoveImageAsync(new RemoveImageRequest { Image = new ImageSpec { Image = $"{Host}/{name}:latest" } });
            }
            catch (RpcException e)
            {
                Assert.True(e.StatusCode is StatusCode.FailedPrecondition, $"{name}: {e.Status}");
                Assert.Contains("layer", e.Status.Detail, StringComparison.Ordinal);
            }

            Assert.True(Directory.GetFileSystemEntries(canary).Length == 1 && await File.ReadAllTextAsync($"{canary}/file") == "untouched", name);
            Assert.Equal(1u, uint.Parse(Shell.Run("stat", "-c", "%h", $"{canary}/file")));
        }
        Directory.Delete(canary, recursive: true);
        Assert.Empty((await node.Images.ListImagesAsync(new ListImagesRequest())).Images);
    }

    [Fact]
    public async Task Create_PasswdThatLeadsOutside_ReadsNothingOfTheNode()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using var registry = new ScriptedRegistry(network.NetnsPath);
        registry.ServeAs(node, Host);
        var busybox = DebianImages.Busybox();
        // A user that only the node's own file would have.
        await File.WriteAllTextAsync($"{node.Directory}/passwd", "secret:x:4242:4242::/:/bin/sh\n");
        registry.AddImage("passwd", busybox.SymbolicLink("etc/passwd", $"{node.Directory}/passwd").Build(), changeConfig: config => config["config"]!["User"] = "secret");
        await node.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = $"{Host}/passwd:latest" } });
        await using var context = node.Context();
        var pod = await context.RunPodAsync();

        var failure = await Assert.ThrowsAsync<RpcException>(() => pod.CreateAsync(pod.ContainerConfig($"{Host}/passwd:latest", "id")));

        Assert.Equal(StatusCode.InvalidArgument, failure.StatusCode);
        Assert.Contains("user 'secret' does not exist in the image's /etc/passwd", failure.Status.Detail, StringComparison.Ordinal);
        Assert.Empty((await node.Runtime.ListContainersAsync(new ListContainersRequest())).Containers);
    }
}
