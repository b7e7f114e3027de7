using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Grpc.Core;
using Xunit;

namespace Gantry.NodeTests.Images;

/// <summary>A node's images served to another node, over TLS.</summary>
public sealed class SharingTests(NodeNetwork network)
{
    private const string Image = "docker.io/library/busybox:1.36";
    private const string Address = "127.0.0.1:5443";

    [Fact]
    public async Task Pull_FromANodeThatSharesOverTls_GetsTheSameImageAndOnlyByItsAuthority()
    {
        var folder = $"{network.Directory}/sharing";
        using var authority = TestAuthority.New();
        using var stranger = TestAuthority.New();
        TestAuthority.WriteFiles(authority, folder, "node");
        TestAuthority.WriteFiles(stranger, $"{folder}/stranger");
        await using var first = await GantryNode.StartAsync(
            network, $"[registry]\nshare_listen = \"{Address}\"\nshare_certificate = \"{folder}/node.crt\"\nshare_key = \"{folder}/node.key\"");
        await using var second = await GantryNode.StartAsync(network, prepare: node => OnlyFrom(node, $"{folder}/ca.crt"));
        await using var doubting = await GantryNode.StartAsync(network, prepare: node => OnlyFrom(node, $"{folder}/stranger/ca.crt"));

        await Assert.ThrowsAsync<RpcException>(() => PullAsync(second));
        var id = await PullAsync(first);
        Assert.Equal(id, await PullAsync(second));
        var refused = await Assert.ThrowsAsync<RpcException>(() => PullAsync(doubting));
        Assert.Contains(Address, refused.Status.Detail, StringComparison.Ordinal);

        await using var cri = second.Context();
        var pod = await cri.RunPodAsync();
        Assert.Equal("runs", await pod.OutputAsync("echo runs"));
        Assert.Contains("000", network.Inside("sh", "-c", $"curl -s -o /dev/null -w '%{{http_code}}' http://{Address}/v2/ || true"), StringComparison.Ordinal);
    }

    private static async Task<string> PullAsync(GantryNode node) =>
        (await node.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = Image } })).ImageRef;

    /// <summary>The other node is asked, and nobody else.</summary>
    private static void OnlyFrom(GantryNode node, string authority) => File.WriteAllText(
        $"{node.Directory}/certs.d/_default/hosts.toml", $"server = \"https://{Address}\"\n[host.\"https://{Address}\"]\ncapabilities = [\"pull\", \"resolve\"]\nca = \"{authority}\"\n");
}
