using Gantry.Conformance;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Xunit;

namespace Gantry.NodeTests.Networking;

/// <summary>A network of CNI 1.1, whose plugins can say that they cannot serve.</summary>
public sealed class NetworkStatusTests(NodeNetwork network)
{
    [Fact]
    public async Task Status_PluginThatFailsHangsAndRecovers_IsToldInItsWordsAndHoldsNothingUp()
    {
        await using var node = await GantryNode.StartAsync(network, "", Write);
        await using (var cri = node.Context())
        {
            Assert.True((await cri.NetworkReadyAsync()).Status);

            node.Gates.Break("STATUS");
            await Check.EventuallyAsync(async () => !(await cri.NetworkReadyAsync()).Status, "the network is told as not ready");
            var failed = await cri.NetworkReadyAsync();
            Assert.Equal("NetworkPluginNotReady", failed.Reason);
            Assert.Contains($"CNI plugin {Gates.Plugin} STATUS of network asked", failed.Message, StringComparison.Ordinal);
            Assert.EndsWith("the gate is broken", failed.Message, StringComparison.Ordinal);

            node.Gates.Open("STATUS");
            node.Gates.Close("STATUS");
            await Check.EventuallyAsync(
                async () => (await cri.NetworkReadyAsync()).Message.Contains("have not answered STATUS", StringComparison.Ordinal), "a plugin that hangs is told");
            var arrivals = node.Gates.Arrivals("STATUS");
            await Task.WhenAll(cri.NetworkReadyAsync(), cri.NetworkReadyAsync(), cri.NetworkReadyAsync());
            Assert.Equal(arrivals, node.Gates.Arrivals("STATUS"));
            // Pods on the node's network need no plugin.
            await cri.RunPodAsync(config => config.Linux.SecurityContext.NamespaceOptions.Network = NamespaceMode.Node);

            node.Gates.Open("STATUS");
            await Check.EventuallyAsync(async () => (await cri.NetworkReadyAsync()).Status, "the network is ready again");
        }
        Assert.Empty(await Leftovers.AwaitNoneAsync(node));
    }

    private static void Write(GantryNode node) => File.WriteAllText(
        $"{node.Directory}/cni/10-test.conflist", $$"""{ "cniVersions": ["1.0.0", "1.1.0"], "name": "asked", "plugins": [{ "type": "{{Gates.Plugin}}" }] }""");
}
