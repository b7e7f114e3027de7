using Gantry.NodeTests.Harness;
using Xunit;

namespace Gantry.NodeTests.Daemon;

/// <summary>A daemon that is told to end ends in order, whenever it is told.</summary>
public sealed class TerminationTests(NodeNetwork network)
{
    private const int Killed = 128 + 15;

    [Fact]
    public async Task SigtermAtAnyMomentOfTheStart_EndsTheDaemonWithoutAWord()
    {
        await using var node = GantryNode.Prepare(network);
        // Before the daemon listens for signals the kernel ends it; from then on it ends itself.
        var codes = new HashSet<int>();
        for (var milliseconds = 0; milliseconds < 240; milliseconds += 8)
        {
            node.BeginDaemon();
            await Task.Delay(milliseconds);

            codes.Add(await node.StopDaemonAsync());
        }

        Assert.Subset(new HashSet<int> { 0, Killed }, codes);
        Assert.DoesNotContain("xception", node.ReadLog(), StringComparison.Ordinal);
        await node.StartDaemonAsync();
    }
}
