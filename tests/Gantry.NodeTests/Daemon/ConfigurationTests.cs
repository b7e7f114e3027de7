using Gantry.Api;
using Gantry.NodeTests.Harness;
using Xunit;

namespace Gantry.NodeTests.Daemon;

/// <summary>The published program's reading of its configuration.</summary>
public sealed class ConfigurationTests(NodeNetwork network)
{
    [Fact]
    public async Task ConfigDefault_Printed_IsTheBuiltInConfiguration()
    {
        await using var node = GantryNode.Prepare(network);
        var (code, text) = node.RunDaemon("config", "default");
        Assert.Equal(0, code);
        Directory.CreateDirectory($"{node.Directory}/default");
        await File.WriteAllTextAsync($"{node.Directory}/default/config.toml", text);
        await File.WriteAllTextAsync($"{node.Directory}/default/empty.toml", "");

        Assert.Equal(
            node.RunDaemon("config", "dump", "--config", $"{node.Directory}/default/empty.toml"),
            node.RunDaemon("config", "dump", "--config", $"{node.Directory}/default/config.toml"));
    }

    [Fact]
    public async Task WrongKeys_AreToldAllAtOnceWithFileAndLineAndExitCodeTwo()
    {
        await using var node = GantryNode.Prepare(network, "[cni]\nconf_dri = \"/x\"\ntimeout_seconds = \"soon\"");

        var (code, output) = node.RunDaemon("--config", node.ConfigFile);

        Assert.Equal(2, code);
        Assert.Contains("10-test.toml(2): 'cni.conf_dri' is no key of the configuration", output, StringComparison.Ordinal);
        Assert.Contains("10-test.toml(3): cni.timeout_seconds is \"soon\"", output, StringComparison.Ordinal);
        Assert.False(File.Exists(node.Socket));
        File.Delete($"{node.Directory}/conf.d/10-test.toml");
    }

    [Fact]
    public async Task Options_CountMoreThanTheFile_AndTheStatusTellsThem()
    {
        await using var node = await GantryNode.StartAsync(network, "[runtime]\ndefault_handler = \"runc\"");

        var status = await node.Local.DaemonStatusAsync(new DaemonStatusRequest());

        Assert.Equal((node.Root, node.State, node.Socket, "runc"), (status.Root, status.State, status.Socket, status.DefaultHandler));
        Assert.Contains(status.Conditions, condition => condition is { Name: "network", Ok: true });
    }

    [Fact]
    public async Task Version_IsOneLine()
    {
        await using var node = GantryNode.Prepare(network);

        var (code, output) = node.RunDaemon("--version");

        Assert.Equal(0, code);
        Assert.Matches(@"^gantryd \d+\.\d+\.\d+\n$", output);
    }
}
