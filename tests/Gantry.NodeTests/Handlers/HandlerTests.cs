using System.Text.Json.Nodes;
using Gantry.Conformance;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Grpc.Core;
using Xunit;

namespace Gantry.NodeTests.Handlers;

/// <summary>Handlers of the operator's own: another program, its arguments and environment, what it may see.</summary>
public sealed class HandlerTests(NodeNetwork network)
{
    [Theory]
    [InlineData("/usr/bin/crun")]
    [InlineData("/usr/sbin/runc")]
    public async Task CustomHandler_OfTheConfiguration_RunsPodsAsItIsToldTo(string runtime)
    {
        await using var node = await GantryNode.StartAsync(
            network,
            $"""
            [runtime.handlers.wrapped]
            path = "{network.Directory}/wrapped-{Path.GetFileName(runtime)}"
            arguments = ["--debug"]
            environment = ["HANDLER_MARK=seen"]
            allowed_annotations = ["example.org/*", "exact"]
            privileged_without_host_devices = true
            """,
            node => WriteWrapper(runtime, node.Directory));
        await using var cri = new SpecContext(node.Cri, node.Settings("wrapped"));

        var pod = await cri.RunPodAsync(config =>
        {
            config.Linux.SecurityContext.Privileged = true;
            config.Annotations["example.org/pod"] = "p";
            config.Annotations["run.oci.pod"] = "secret";
        });
        var container = await pod.RunShellAsync("sleep 1000", config =>
        {
            config.Linux.SecurityContext.Privileged = true;
            config.Annotations["example.org/container"] = "c";
            config.Annotations["exact"] = "e";
            config.Annotations["exactly"] = "no";
        });

        var calls = await File.ReadAllTextAsync($"{node.Directory}/calls");
        Assert.Contains("--debug", calls);
        Assert.Contains("mark=seen", calls);
        Assert.Contains((await cri.Runtime.StatusAsync(new StatusRequest())).RuntimeHandlers, handler => handler.Name == "wrapped");
        var annotations = (await InfoAsync(cri, container))["runtimeSpec"]!["annotations"]!.AsObject();
        Assert.Equal("p", (string?)annotations["example.org/pod"]);
        Assert.Equal("c", (string?)annotations["example.org/container"]);
        Assert.Equal("e", (string?)annotations["exact"]);
        Assert.False(annotations.ContainsKey("run.oci.pod") || annotations.ContainsKey("exactly"));
        Assert.Equal("none", await container.ShellAsync("ls /dev/vda /dev/kmsg /dev/loop-control 2>/dev/null || echo none"));
    }

    [Fact]
    public async Task RunPod_UnknownHandler_IsRefusedByName()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using var cri = new SpecContext(node.Cri, node.Settings("nothing"));

        await Check.FailsAsync(StatusCode.InvalidArgument, () => cri.RunPodAsync(), "nothing", "crun");
    }

    [Fact]
    public async Task Crun_ContainersOfOneProfile_CompilesItOnce()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using var cri = new SpecContext(node.Cri, node.Settings("crun"));
        var pod = await cri.RunPodAsync();
        var first = await pod.RunShellAsync("sleep 1000");
        var second = await pod.RunShellAsync("sleep 1000");
        var other = await pod.RunShellAsync("sleep 1000", config => config.Linux.SecurityContext.Capabilities = new Capability { AddCapabilities = { "SYS_ADMIN" } });

        Assert.True(Filter(first).Length > 0);
        Assert.Equal(Filter(first), Filter(second));
        Assert.NotEqual(Filter(first), Filter(other));
        // Where crun keeps filters itself, it is left to that.
        if (!Directory.Exists($"{node.State}/runtime/crun/.cache/seccomp"))
        {
            Assert.False(IsHandedOver(first));
            Assert.True(IsHandedOver(second));
            Assert.False(IsHandedOver(other));
        }
        foreach (var container in new[] { first, second })
        {
            Assert.Equal("2 refused", await container.ShellAsync("echo $(grep ^Seccomp: /proc/self/status | grep -o [0-9]) $(unshare -U true 2>/dev/null || echo refused)"));
            Assert.False((await InfoAsync(cri, container))["runtimeSpec"]!["annotations"]!.AsObject().ContainsKey("run.oci.seccomp_bpf_data"));
        }
        Assert.Equal("allowed", await other.ShellAsync("unshare -U true && echo allowed"));

        byte[] Filter(SpecContainer container) => File.ReadAllBytes($"{node.State}/runtime/crun/{container.Id}/seccomp.bpf");
        bool IsHandedOver(SpecContainer container) => File.ReadAllText($"{node.State}/containers/{container.Id}/config.json").Contains("run.oci.seccomp_bpf_data", StringComparison.Ordinal);
    }

    private static async Task<JsonNode> InfoAsync(SpecContext cri, SpecContainer container) =>
        JsonNode.Parse((await cri.Runtime.ContainerStatusAsync(new ContainerStatusRequest { ContainerId = container.Id, Verbose = true })).Info["info"])!;

    private void WriteWrapper(string runtime, string folder) => Shell.WriteScript(
        $"{network.Directory}/wrapped-{Path.GetFileName(runtime)}", $"#!/bin/sh\necho \"mark=$HANDLER_MARK $*\" >> {folder}/calls\nexec {runtime} \"$@\"");
}
