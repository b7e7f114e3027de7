using Gantry.NodeTests.Harness;
using Xunit;

namespace Gantry.NodeTests.Daemon;

/// <summary>A container's start must not cost more the more containers there are.</summary>
public sealed class MonitorCostTests(NodeNetwork network)
{
    private const int Mounts = 16;
    private const int LongName = 4000;

    [Fact]
    public async Task Monitor_NodeWithALongMountTable_DoesNotReadIt()
    {
        var at = Directory.CreateTempSubdirectory("gantry-mounts-").FullName;
        try
        {
            for (var n = 0; n < Mounts; n++)
                Shell.Run("mount", "-t", "tmpfs", new string('x', LongName), at);
            await using var node = await GantryNode.StartAsync(network);
            await using (var cri = node.Context("crun"))
            {
                var pod = await cri.RunPodAsync();
                var container = await pod.RunShellAsync("sleep 1000");
                var io = File.ReadAllLines($"/proc/{Processes.MonitorOf(node, container.Id)}/io");

                var read = int.Parse(io.First(line => line.StartsWith("rchar:", StringComparison.Ordinal))["rchar:".Length..]);

                // What crun read, which has ended, is in it: the table once.
                Assert.InRange(read, 1, 2 * Mounts * LongName);
            }
            Assert.Empty(await Leftovers.AwaitNoneAsync(node));
        }
        finally
        {
            while (Shell.Try("umount", at).Code == 0)
            {
                // One mount over the other.
            }
            Directory.Delete(at);
        }
    }
}
