using System.Text.Json.Nodes;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Networking;
using Gantry.Persistence;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gantry.UnitTests.Networking;

/// <summary>With plugins that are shell scripts: each call leaves its environment and input in a file, and does what a file says.</summary>
public sealed class PodNetworkTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gantry-plugins-").FullName;
    private readonly PodId _pod = PodId.New();

    private NodePaths Paths => new($"{_folder}/root", $"{_folder}/state");

    public PodNetworkTests()
    {
        Directory.CreateDirectory(Paths.Pod(_pod));
        Directory.CreateDirectory($"{_folder}/net.d");
        Directory.CreateDirectory($"{_folder}/bin");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task AttachAsync_TwoPlugins_RunInOrderAndTheSecondGetsTheFirstsResult()
    {
        Plugin("first", """echo '{"cniVersion":"1.0.0","ips":[{"address":"10.0.0.2/24"}]}'""");
        Plugin("second", """echo '{"cniVersion":"1.0.0","ips":[{"address":"10.0.0.2/24"},{"address":"fd00::2/64"}]}'""");

        var addresses = await Network("first", "second").AttachAsync(Attachment(), CancellationToken.None);

        Assert.Equal(["10.0.0.2", "fd00::2"], addresses.Addresses);
        Assert.Equal(["ADD first", "ADD second"], Calls());
        Assert.Contains("\"prevResult\"", Input("ADD", "second"), StringComparison.Ordinal);
        Assert.Contains("\"name\":\"net\"", Input("ADD", "first"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task DetachAsync_AfterAttach_RunsInReverseWithTheResult()
    {
        Plugin("first", Result);
        Plugin("second", Result);
        var network = Network("first", "second");
        await network.AttachAsync(Attachment(), CancellationToken.None);
        Assert.True(network.Holds(_pod));

        await network.DetachAsync(Attachment(), CancellationToken.None);

        Assert.Equal(["ADD first", "ADD second", "DEL second", "DEL first"], Calls());
        Assert.Contains("\"prevResult\"", Input("DEL", "first"), StringComparison.Ordinal);
        Assert.False(network.Holds(_pod));
    }

    [Fact]
    public async Task DetachAsync_ConfigurationChangedSince_UsesThatOfTheAttachment()
    {
        Plugin("first", Result);
        var network = Network("first");
        await network.AttachAsync(Attachment(), CancellationToken.None);
        File.Delete($"{_folder}/net.d/net.conflist");

        await network.DetachAsync(Attachment(), CancellationToken.None);

        Assert.Equal(["ADD first", "DEL first"], Calls());
    }

    [Fact]
    public async Task DetachAsync_OnePluginFails_TheOthersAreDoneAndItIsTriedAgain()
    {
        Plugin("first", Result);
        Plugin("second", $"[ \"$CNI_COMMAND\" = DEL ] && [ -e {_folder}/broken ] && {{ echo '{{\"code\":7,\"msg\":\"no\",\"details\":\"really\"}}'; exit 1; }}; {Result}");
        var network = Network("first", "second");
        await network.AttachAsync(Attachment(), CancellationToken.None);
        File.WriteAllText($"{_folder}/broken", "");

        var failure = await Assert.ThrowsAsync<ToolFailedException>(() => network.DetachAsync(Attachment(), CancellationToken.None));

        Assert.Contains("CNI plugin second DEL of network net", failure.Message, StringComparison.Ordinal);
        Assert.Contains("no: really", failure.Message, StringComparison.Ordinal);
        Assert.Contains("DEL first", Calls());
        Assert.True(network.Holds(_pod));
        File.Delete($"{_folder}/broken");
        await network.DetachAsync(Attachment(), CancellationToken.None);
        Assert.False(network.Holds(_pod));
    }

    [Fact]
    public async Task AttachAsync_PluginMissing_NothingIsBegun()
    {
        Plugin("first", Result);
        var network = Network("first", "absent");

        var failure = await Assert.ThrowsAsync<WrongStateException>(() => network.AttachAsync(Attachment(), CancellationToken.None));

        Assert.Contains("'absent'", failure.Message, StringComparison.Ordinal);
        Assert.Contains("install it", failure.Message, StringComparison.Ordinal);
        Assert.Empty(Calls());
        Assert.False(network.Holds(_pod));
        Assert.False((await network.CheckAsync()).Ready);
    }

    [Theory]
    [InlineData("exit 3", "it ended with 3 and said nothing")]
    [InlineData("echo oops >&2; exit 1", "oops")]
    [InlineData("echo 'no json'; exit 1", "it ended with 1")]
    [InlineData("echo 'no json'", "no JSON")]
    [InlineData("kill -SEGV $$", "it ended with 139")]
    [InlineData("true", "gave eth0 no address")]
    [InlineData("""echo '{"ips":[]}'""", "gave eth0 no address")]
    [InlineData("""echo '{"ips":[{"address":"300.0.0.1/24"}]}'""", "gave eth0 no address")]
    [InlineData("""echo '{"ips":"none"}'""", "gave eth0 no address")]
    [InlineData("""echo '[1,2]'""", "no JSON object")]
    [InlineData("""echo '{"ips":[{"address":5}]}'""", "no address")]
    public async Task AttachAsync_PluginMisbehaves_FailsWithItsName(string script, string words)
    {
        Plugin("first", script);
        var network = Network("first");

        var failure = await Assert.ThrowsAnyAsync<GantryException>(() => network.AttachAsync(Attachment(), CancellationToken.None));

        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
        Assert.True(network.Holds(_pod));
    }

    [Fact]
    public async Task AttachAsync_PluginHangs_IsKilledWithItsChildrenAtTheDeadline()
    {
        Plugin("first", $"sleep 1000 & echo $! > {_folder}/child; wait");
        var network = Network(TimeSpan.FromMilliseconds(300), "first");

        var failure = await Assert.ThrowsAsync<TimedOutException>(() => network.AttachAsync(Attachment(), CancellationToken.None));

        Assert.Contains("CNI plugin first ADD", failure.Message, StringComparison.Ordinal);
        var child = int.Parse(File.ReadAllText($"{_folder}/child"));
        Assert.True(SpinWait.SpinUntil(() => Gantry.Linux.Processes.ProcessTree.StateOf(child) is null or 'Z', TimeSpan.FromSeconds(5)));
    }

    [Fact]
    public async Task AttachAsync_HostPorts_AreHandedToThePluginThatAsks()
    {
        Plugin("first", Result);
        var network = Network("first");
        File.WriteAllText($"{_folder}/net.d/net.conflist", """{"cniVersion":"1.0.0","name":"net","plugins":[{"type":"first","capabilities":{"portMappings":true,"bandwidth":true}}]}""");
        var attachment = Attachment() with
        {
            Ports = [new PortMapping(TransportProtocol.Tcp, 80, 8080, ""), new PortMapping(TransportProtocol.Udp, 53, 0, "")],
            Annotations = new Dictionary<string, string> { ["kubernetes.io/ingress-bandwidth"] = "1M", ["kubernetes.io/egress-bandwidth"] = "nonsense" },
        };

        await network.AttachAsync(attachment, CancellationToken.None);

        var runtime = JsonNode.Parse(Input("ADD", "first"))!["runtimeConfig"]!;
        Assert.Equal("""[{"hostPort":8080,"containerPort":80,"protocol":"tcp","hostIP":""}]""", runtime["portMappings"]!.ToJsonString());
        Assert.Equal(1_000_000, (int)runtime["bandwidth"]!["ingressRate"]!);
        Assert.Null(runtime["bandwidth"]!["egressRate"]);
    }

    [Fact]
    public async Task DetachAsync_PodsDirectoryGone_IsDone()
    {
        var network = Network("one");
        Directory.Delete(Paths.Pod(_pod), recursive: true);

        await network.DetachAsync(Attachment(), CancellationToken.None);

        Assert.Empty(Calls());
    }

    [Fact]
    public async Task DetachAsync_TornCache_IsTakenAsNothingAttached()
    {
        Plugin("first", Result);
        var network = Network("first");
        await network.AttachAsync(Attachment(), CancellationToken.None);
        File.WriteAllText($"{Paths.Pod(_pod)}/network.json", "");

        await network.DetachAsync(Attachment(), CancellationToken.None);

        Assert.False(network.Holds(_pod));
    }

    [Fact]
    public void Addresses_OfHostSideInterfaces_AreLeftOut()
    {
        var result = JsonNode.Parse("""
            {"interfaces":[{"name":"veth0"},{"name":"eth0","sandbox":"/netns"}],
             "ips":[{"interface":0,"address":"10.0.0.1/24"},{"interface":1,"address":"10.0.0.2/24"},{"address":"fd00::1/64"}]}
            """);

        Assert.Equal(["10.0.0.2", "fd00::1"], PodNetwork.Addresses(result));
    }

    [Fact]
    public void Addresses_WhatIsNone_IsLeftOutForItWouldCostThePodAllOfThem()
    {
        var result = JsonNode.Parse("""{"ips":[{"address":"nowhere/24"},{"address":""},{},{"address":"10.0.0.2/24"},{"address":"10.0.0.300/24"}]}""");

        Assert.Equal(["10.0.0.2"], PodNetwork.Addresses(result));
    }

    [Fact]
    public async Task CheckAsync_PluginThatCannotServe_IsToldInItsWordsAndAskedAnewLater()
    {
        var broken = $"{_folder}/broken";
        File.WriteAllText(broken, "");
        Plugin("first", "");
        Plugin("second", $$"""env > {{_folder}}/environment; [ -e {{broken}} ] && echo '{"cniVersion":"1.1.0","code":50,"msg":"the agent is not up"}' && exit 1; exit 0""");
        var time = new FakeTimeProvider();
        var network = Network(TimeSpan.FromSeconds(20), time, "1.1.0", "first", "second");

        var first = await network.CheckAsync();
        await network.CheckAsync();

        Assert.Equal((false, "NetworkPluginNotReady"), (first.Ready, first.Reason));
        Assert.Contains("CNI plugin second STATUS of network net", first.Message, StringComparison.Ordinal);
        Assert.EndsWith("failed: the agent is not up", first.Message, StringComparison.Ordinal);
        Assert.Equal(["STATUS first", "STATUS second"], Calls());
        Assert.Equal("""{"type":"second","cniVersion":"1.1.0","name":"net"}""", Input("STATUS", "second"));
        Assert.DoesNotContain("CNI_CONTAINERID", File.ReadAllText($"{_folder}/environment"), StringComparison.Ordinal);

        File.Delete(broken);
        time.Advance(TimeSpan.FromSeconds(5));

        Assert.True((await network.CheckAsync()).Ready);
    }

    [Fact]
    public async Task CheckAsync_PluginThatHangs_IsToldSoonAndStartedOnce()
    {
        Plugin("slow", "sleep 30");
        var network = Network(TimeSpan.FromSeconds(4), TimeProvider.System, "1.1.0", "slow");

        var answers = await Task.WhenAll(network.CheckAsync(), network.CheckAsync());

        Assert.All(answers, answer => Assert.Contains("have not answered STATUS for 2 s", answer.Message, StringComparison.Ordinal));
        Assert.Equal(["STATUS slow"], Calls());
    }

    [Theory]
    [InlineData("1.0.0")]
    [InlineData("0.4.0")]
    [InlineData("new")]
    public async Task CheckAsync_VersionWithoutStatus_AsksNobody(string version)
    {
        Plugin("first", "exit 1");

        Assert.True((await Network(TimeSpan.FromSeconds(20), TimeProvider.System, version, "first").CheckAsync()).Ready);
        Assert.Empty(Calls());
    }

    private const string Result = """echo '{"cniVersion":"1.0.0","ips":[{"address":"10.0.0.2/24"}]}'""";

    private void Plugin(string name, string script)
    {
        var path = $"{_folder}/bin/{name}";
        File.WriteAllText(path, $"#!/bin/sh\ncat > {_folder}/input-$CNI_COMMAND-{name}\necho $CNI_COMMAND {name} >> {_folder}/calls\n{script}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private PodNetwork Network(params string[] plugins) => Network(TimeSpan.FromSeconds(20), plugins);

    private PodNetwork Network(TimeSpan timeout, params string[] plugins) => Network(timeout, TimeProvider.System, "1.0.0", plugins);

    private PodNetwork Network(TimeSpan timeout, TimeProvider time, string version, params string[] plugins)
    {
        var list = string.Join(',', plugins.Select(plugin => $$"""{"type":"{{plugin}}"}"""));
        File.WriteAllText($"{_folder}/net.d/net.conflist", $$"""{"cniVersion":"{{version}}","name":"net","plugins":[{{list}}]}""");
        var options = new CniOptions($"{_folder}/net.d", [$"{_folder}/bin"], timeout);
        return new PodNetwork(options, new CniPlugin(options), Paths, time);
    }

    private NetworkAttachment Attachment() => new(_pod, "/netns", "pod", "default", "uid", [], new Dictionary<string, string>(), null, "");

    private string[] Calls() => File.Exists($"{_folder}/calls") ? File.ReadAllLines($"{_folder}/calls") : [];

    private string Input(string command, string plugin) => File.ReadAllText($"{_folder}/input-{command}-{plugin}");
}
