using System.Net;
using System.Text;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Xunit;

namespace Gantry.NodeTests.Networking;

/// <summary>What specs cannot say of host ports, since their images have no client of UDP and not every kernel has SCTP.</summary>
public sealed class HostPortTests(NodeNetwork network)
{
    [Fact]
    public async Task UdpPort_OfTheNode_LeadsToThePodAndBack()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using var cri = node.Context();
        var pod = await cri.RunPodAsync(config => config.PortMappings.Add(
            new PortMapping { Protocol = Protocol.Udp, ContainerPort = 5353, HostPort = 31811, HostIp = "127.0.0.1" }));
        var container = await pod.RunShellAsync("sleep 1000");
        using var server = NetnsConnection.Datagrams($"/proc/{await Processes.PidOfAsync(node, container.Id)}/ns/net", new IPEndPoint(IPAddress.Any, 5353));
        using var client = NetnsConnection.Datagrams(network.NetnsPath, new IPEndPoint(IPAddress.Any, 0));

        client.SendTo("question"u8.ToArray(), new IPEndPoint(IPAddress.Loopback, 31811));

        var buffer = new byte[100];
        EndPoint from = new IPEndPoint(IPAddress.Any, 0);
        var length = server.ReceiveFrom(buffer, ref from);
        Assert.Equal("question", Encoding.ASCII.GetString(buffer, 0, length));
        server.SendTo("answer"u8.ToArray(), from);
        EndPoint answerer = new IPEndPoint(IPAddress.Any, 0);
        length = client.ReceiveFrom(buffer, ref answerer);
        Assert.Equal("answer", Encoding.ASCII.GetString(buffer, 0, length));
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, 31811), answerer);
    }

    [Fact]
    public async Task SctpPort_OfTheNode_IsRewrittenToThePodsAsLongAsThePodLives()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using var cri = node.Context();
        var pod = await cri.RunPodAsync(config => config.PortMappings.Add(
            new PortMapping { Protocol = Protocol.Sctp, ContainerPort = 132, HostPort = 31812, HostIp = "127.0.0.9" }));
        var address = (await pod.StatusAsync()).Network.Ip;

        var rule = Assert.Single(Rules(), line => line.Contains("--dport 31812", StringComparison.Ordinal) && line.Contains("-j DNAT", StringComparison.Ordinal));
        Assert.Contains("-p sctp", rule, StringComparison.Ordinal);
        Assert.Contains("-d 127.0.0.9/32", rule, StringComparison.Ordinal);
        Assert.Contains($"--to-destination {address}:132", rule, StringComparison.Ordinal);

        await pod.StopAsync();
        Assert.DoesNotContain(Rules(), line => line.Contains("31812", StringComparison.Ordinal));
    }

    private string[] Rules() => network.Inside("iptables-save", "-t", "nat").Split('\n');
}
