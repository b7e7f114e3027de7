using Gantry.Conformance;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Grpc.Core;
using Xunit;

namespace Gantry.NodeTests.Handlers;

/// <summary>Vendors' devices by the Container Device Interface.</summary>
public sealed class DeviceInterfaceTests(NodeNetwork network)
{
    [Theory]
    [InlineData("crun")]
    [InlineData("runc")]
    public async Task CdiDevices_OfJsonAndYaml_ChangeTheContainer(string handler)
    {
        await using var node = await GantryNode.StartAsync(network, "", Configure);
        await using var cri = new SpecContext(node.Cri, node.Settings(handler));
        // Written while the daemon runs: vendors' tools do.
        WriteDevices(node.Directory);
        var pod = await cri.RunPodAsync();

        var output = await pod.OutputAsync(
            "echo $VENDOR $GPU; head -c 3 /dev/vendor0 | wc -c; cat /vendor/text; id -G; test -c /dev/second && echo second",
            config => config.CDIDevices.Add([new CDIDevice { Name = "vendor.example/gpu=0" }, new CDIDevice { Name = "vendor.example/gpu=0" }, new CDIDevice { Name = "other.example/nic=a" }]));

        Assert.Equal("common zero|3|from the vendor|0 4567|second", output.ReplaceLineEndings("|"));
        Assert.Equal("ran\n", await File.ReadAllTextAsync($"{node.Directory}/hook"));
        Assert.Equal("none", await pod.OutputAsync("ls /dev/vendor0 2>/dev/null || echo none"));
    }

    [Fact]
    public async Task CdiDevices_UnknownOrTwiceDescribedOrNoName_AreRefused()
    {
        await using var node = await GantryNode.StartAsync(network, "", Configure);
        await using var cri = new SpecContext(node.Cri, node.Settings());
        WriteDevices(node.Directory);
        File.Copy($"{node.Directory}/cdi/vendor.json", $"{node.Directory}/cdi/copy.json");
        File.WriteAllText($"{node.Directory}/cdi/broken.json", "{");
        var pod = await cri.RunPodAsync();
        Task CreateAsync(string name) => pod.CreateShellAsync("true", config => config.CDIDevices.Add(new CDIDevice { Name = name }));

        await Check.FailsAsync(StatusCode.FailedPrecondition, () => CreateAsync("vendor.example/gpu=9"), "vendor.example/gpu=9", "broken.json");
        await Check.FailsAsync(StatusCode.FailedPrecondition, () => CreateAsync("vendor.example/gpu=0"), "copy.json", "vendor.json");
        await Check.FailsAsync(StatusCode.InvalidArgument, () => CreateAsync("gpu0"), "gpu0");
    }

    private static void Configure(GantryNode node)
    {
        Directory.CreateDirectory($"{node.Directory}/cdi");
        File.AppendAllText($"{node.Directory}/config.toml", $"\n[runtime]\ncdi_dirs = [\"{node.Directory}/missing\", \"{node.Directory}/cdi\"]\n");
    }

    private static void WriteDevices(string folder)
    {
        File.WriteAllText($"{folder}/text", "from the vendor\n");
        File.WriteAllText($"{folder}/cdi/vendor.json", $$"""
            {
              "cdiVersion": "0.6.0", "kind": "vendor.example/gpu",
              "containerEdits": { "env": ["VENDOR=common"] },
              "devices": [{
                "name": "0",
                "containerEdits": {
                  "env": ["GPU=zero"],
                  "additionalGids": [4567],
                  "deviceNodes": [{ "path": "/dev/vendor0", "hostPath": "/dev/zero" }],
                  "mounts": [{ "hostPath": "{{folder}}/text", "containerPath": "/vendor/text", "options": ["ro", "bind"] }],
                  "hooks": [{ "hookName": "createRuntime", "path": "/bin/sh", "args": ["sh", "-c", "echo ran > {{folder}}/hook"] }]
                }
              }]
            }
            """);
        File.WriteAllText($"{folder}/cdi/other.yaml", """
            cdiVersion: "0.5.0"
            kind: other.example/nic
            devices:
              - name: a
                containerEdits:
                  deviceNodes:
                    - { path: /dev/second, hostPath: /dev/null, fileMode: 0666, uid: 0, gid: 0 }
            """);
    }
}
