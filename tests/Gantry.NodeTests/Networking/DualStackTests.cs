using System.Net;
using System.Net.Sockets;
using Gantry.Conformance;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Xunit;

namespace Gantry.NodeTests.Networking;

/// <summary>Pods with an address of each family, by the real plugins.</summary>
public sealed class DualStackTests(NodeNetwork network)
{
    [Fact]
    public async Task Pods_OfBothFamilies_HaveReachAndTellBothAddresses()
    {
        await using var node = await GantryNode.StartAsync(network, prepare: WriteConflist);
        await using var cri = node.Context();
        var server = await cri.RunPodAsync(config =>
        {
            config.Hostname = "both";
            config.PortMappings.Add(new PortMapping { ContainerPort = 80, HostPort = 31821 });
        });
        await server.RunShellAsync("while true; do echo hello | nc -l -p 80; done");

        var status = (await server.StatusAsync()).Network;
        var second = IPAddress.Parse(Assert.Single(status.AdditionalIps).Ip);
        Assert.Equal(AddressFamily.InterNetwork, IPAddress.Parse(status.Ip).AddressFamily);
        Assert.Equal(AddressFamily.InterNetworkV6, second.AddressFamily);
        var hosts = await server.OutputAsync("cat /etc/hosts");
        Assert.Contains($"{status.Ip}\tboth", hosts, StringComparison.Ordinal);
        Assert.Contains($"{second}\tboth", hosts, StringComparison.Ordinal);

        var client = await cri.RunPodAsync();
        foreach (var address in (string[])[status.Ip, second.ToString()])
            Assert.Equal("hello", await client.OutputAsync($"for i in 1 2 3 4 5 6 7 8 9; do nc {address} 80 </dev/null && exit; sleep 0.3; done"));
        foreach (var address in (string[])["127.0.0.1", await client.OutputAsync("ip -6 route | sed -n 's/^default via \\([^ ]*\\).*/\\1/p'")])
            await Check.EventuallyAsync(async () => await cri.HeardAsync(address, 31821) == "hello", $"the node's port answers on {address}");
    }

    private static void WriteConflist(GantryNode node) => File.WriteAllText($"{node.Directory}/cni/10-test.conflist", $$"""
        {
          "cniVersion": "1.0.0", "name": "both{{node.Number}}",
          "plugins": [
            { "type": "bridge", "bridge": "gt{{node.Number}}", "isGateway": true, "ipMasq": true, "hairpinMode": true,
              "ipam": { "type": "host-local", "dataDir": "{{node.Directory}}/ipam",
                "ranges": [[{ "subnet": "10.{{100 + (node.Number % 100)}}.0.0/16" }], [{ "subnet": "fd00:{{node.Number:x}}::/64" }]],
                "routes": [{ "dst": "0.0.0.0/0" }, { "dst": "::/0" }] } },
            { "type": "portmap", "capabilities": { "portMappings": true } }
          ]
        }
        """);
}
