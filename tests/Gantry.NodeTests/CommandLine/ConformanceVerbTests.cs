using System.Text.Json.Nodes;
using Gantry.NodeTests.Harness;
using Xunit;

namespace Gantry.NodeTests.CommandLine;

/// <summary>The published 'gantry conformance', as somebody runs it against a node of theirs.</summary>
public sealed class ConformanceVerbTests(NodeNetwork network)
{
    [Fact]
    public async Task Only_AFewSpecs_AreRunAndReported()
    {
        await using var node = await GantryNode.StartAsync(network);
        var listed = JsonNode.Parse(node.Gantry("conformance", "--list", "--only", "runtime/*", "-o", "json").Output)!.AsArray();

        var run = node.Gantry("conformance", "--only", "runtime/*", "--folder", node.Directory, "--cgroup-parent", node.CgroupParent, "--network-namespace", network.NetnsPath);

        Assert.True(run.Code == 0, run.Text);
        Assert.NotEmpty(listed);
        Assert.All(listed, spec => Assert.StartsWith("runtime/", (string)spec!["id"]!, StringComparison.Ordinal));
        Assert.Contains($"{listed.Count} passed, 0 failed", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_NoSuchSpec_IsTwoAndSaysWhereTheListIs()
    {
        await using var node = await GantryNode.StartAsync(network);

        var run = node.Gantry("conformance", "--only", "nothing/*");

        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains("--list", run.Error, StringComparison.Ordinal);
    }
}
