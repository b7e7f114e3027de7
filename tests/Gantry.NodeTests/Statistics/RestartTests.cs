using Gantry.Conformance;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Xunit;

namespace Gantry.NodeTests.Statistics;

/// <summary>Statistics over the daemon's death: what it knew is gone, what the kernel knows is not.</summary>
public sealed class RestartTests(NodeNetwork network)
{
    [Fact]
    public async Task Daemon_KilledAndStartedAgain_UsageGoesOn()
    {
        await using var node = await GantryNode.StartAsync(network);
        // A connection that outlives the daemon.
        using var connection = new CriConnection(node.Socket);
        await using var context = new SpecContext(connection, node.Settings());
        var pod = await context.RunPodAsync();
        var container = await pod.RunShellAsync("while true; do true; done");
        var before = await ReadAsync(node, container.Id);

        await node.KillDaemonAsync();
        await node.StartDaemonAsync();

        var after = await ReadAsync(node, container.Id);
        Assert.True(after.Cpu.UsageCoreNanoSeconds.Value > before.Cpu.UsageCoreNanoSeconds.Value);
        Assert.True(after.Cpu.Timestamp > before.Cpu.Timestamp);
        Assert.Equal(before.WritableLayer.FsId, after.WritableLayer.FsId);
    }

    private static async Task<ContainerStats> ReadAsync(GantryNode node, string container) =>
        Assert.Single((await node.Runtime.ListContainerStatsAsync(new ListContainerStatsRequest { Filter = new ContainerStatsFilter { Id = container } })).Stats);
}
