using System.Net;
using Gantry.Conformance;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Xunit;

namespace Gantry.NodeTests.Networking;

/// <summary>A network that is made when the kubelet tells the node's ranges of addresses.</summary>
public sealed class NetworkTemplateTests(NodeNetwork network)
{
    [Fact]
    public async Task UpdateRuntimeConfig_WithATemplate_MakesTheNetworkAndTheNodeReady()
    {
        var template = $"{network.Directory}/network.template";
        await using var node = await GantryNode.StartAsync(network, $"[cni]\nconf_template = \"{template}\"", node => WriteTemplate(node, template));
        await using var cri = node.Context();
        Assert.False((await cri.NetworkReadyAsync()).Status);

        await cri.Runtime.UpdateRuntimeConfigAsync(new UpdateRuntimeConfigRequest
        {
            RuntimeConfig = new RuntimeConfig { NetworkConfig = new NetworkConfig { PodCidr = $"10.{200 + (node.Number % 50)}.7.0/24,fd00:7:{node.Number:x}::/64" } },
        });
        await Check.EventuallyAsync(async () => (await cri.NetworkReadyAsync()).Status, "the network is ready");

        var status = (await (await cri.RunPodAsync()).StatusAsync()).Network;
        Assert.StartsWith($"10.{200 + (node.Number % 50)}.7.", status.Ip, StringComparison.Ordinal);
        Assert.True(IPNetwork.Parse($"fd00:7:{node.Number:x}::/64").Contains(IPAddress.Parse(Assert.Single(status.AdditionalIps).Ip)));
    }

    private static void WriteTemplate(GantryNode node, string template)
    {
        File.Delete($"{node.Directory}/cni/10-test.conflist");
        File.WriteAllText(template, $$$"""
            { "cniVersion": "1.0.0", "name": "made{{{node.Number}}}", "plugins": [
              { "type": "bridge", "bridge": "gt{{{node.Number}}}", "isGateway": true, "ipMasq": true,
                "ipam": { "type": "host-local", "dataDir": "{{{node.Directory}}}/ipam",
                  "ranges": [{{range $i, $range := .PodCIDRRanges}}{{if $i}}, {{end}}[{ "subnet": "{{$range}}" }]{{end}}],
                  "routes": [{{range $i, $route := .Routes}}{{if $i}}, {{end}}{ "dst": "{{$route}}" }{{end}}] } } ] }
            """);
    }
}
