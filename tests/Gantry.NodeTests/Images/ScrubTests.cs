using Gantry.NodeTests.Harness;
using Xunit;

namespace Gantry.NodeTests.Images;

/// <summary>F46, in the background of a daemon that runs: what the disk loses, the registry gives back.</summary>
public sealed class ScrubTests(NodeNetwork network)
{
    private const string Nginx = "docker.io/library/nginx:1.19.10";

    [Fact]
    public async Task F46_BlobAndTreeDamagedOnDisk_AreRepairedOnTheScrubsOwnSchedule()
    {
        await using var node = await GantryNode.StartAsync(network, "[registry]\nscrub_hours = 0.0005\nscrub_mib_per_second = 1000\n");
        ImageToolsTests.Ok(node, "pull", "-q", Nginx);
        var blobs = Blobs(node);
        var damaged = blobs.MaxBy(blob => blob.Value.Length).Key;
        var page = Directory.EnumerateFiles($"{node.Root}/snapshots", "index.html", SearchOption.AllDirectories).First();
        await using (var blob = File.OpenWrite($"{node.Root}/images/blobs/sha256/{damaged}"))
        {
            blob.Position = 1000;
            blob.Write("damaged"u8);
        }
        File.WriteAllText(page, "damaged");

        await NodeNetwork.WaitForAsync(
            () => Task.FromResult(node.ReadLog().Split("was repaired").Length > 2), TimeSpan.FromSeconds(60), $"the repair of {damaged} and {page}");

        Assert.Contains("Welcome", File.ReadAllText(page), StringComparison.Ordinal);
        Assert.Contains("all whole", ImageToolsTests.Ok(node, "fsck"), StringComparison.Ordinal);
        // Fetched again alone: every other blob is the file that it was.
        Assert.Equal(
            blobs.Where(blob => blob.Key != damaged).Select(blob => (blob.Key, blob.Value.LastWriteTimeUtc)).Order(),
            Blobs(node).Where(blob => blob.Key != damaged).Select(blob => (blob.Key, blob.Value.LastWriteTimeUtc)).Order());
    }

    private static Dictionary<string, FileInfo> Blobs(GantryNode node)
    {
        var found = new DirectoryInfo($"{node.Root}/images/blobs/sha256").GetFiles().ToDictionary(file => file.Name);
        foreach (var file in found.Values)
            file.Refresh();
        return found;
    }
}
