using System.Security.Cryptography;
using Gantry.Conformance;
using Gantry.Conformance.Streaming;
using Gantry.NodeTests.Harness;
using Xunit;

namespace Gantry.NodeTests.Streaming;

/// <summary>Clients that send garbage, stand still or vanish, and a daemon that is killed: nothing is left of any.</summary>
public sealed class HostileClientTests(NodeNetwork network)
{
    private const int SmallGrowth = 48 << 10;
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);
    private static readonly RemoteStreams _outputs = new();
    private static readonly RemoteStreams _all = new(Input: true);

    [Fact]
    public async Task Port_GarbageAndHalfRequests_ArePutUpWithAndClosed()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using var cri = new SpecContext(node.Cri, node.Settings());
        var container = await cri.SleeperAsync();
        var url = new Uri(await cri.ExecUrlAsync(container, _outputs, "true"));
        var (files, memory) = (Descriptors(node), Memory(node));
        var clients = new List<Stream>();
        for (var n = 0; n < 200; n++)
        {
            var client = await cri.Settings.ConnectAsync(url.Host, url.Port);
            clients.Add(client);
            await client.WriteAsync(n % 2 == 0 ? RandomNumberGenerator.GetBytes(2000) : "GET /exec/ HTTP/1.1\r\nHost: "u8.ToArray());
        }

        // Before they are given up, as after it, others are served.
        await using (var session = await RemoteSession.OpenAsync(cri.Settings, url.ToString(), RemoteProtocol.SpdyV4, _outputs))
            Assert.Equal(0, (await session.WaitAsync()).ExitCode);
        await NodeNetwork.WaitForAsync(() => Task.FromResult(Descriptors(node) <= files + 2), _limit, "the end of the connections");

        Assert.True(Memory(node) < memory + SmallGrowth, $"{memory} KiB grew to {Memory(node)} KiB");
        foreach (var client in clients)
            await client.DisposeAsync();
    }

    [Fact]
    public async Task Session_WhoseBytesAreGarbage_EndsAlone()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using var cri = new SpecContext(node.Cri, node.Settings());
        var container = await cri.SleeperAsync();
        await using var good = await cri.OpenShellAsync(container, _all, "cat; exit 4");
        await good.WriteAsync("first\n");
        await good.Output.ContainsAsync("first");
        var files = Descriptors(node);
        for (var n = 0; n < 20; n++)
        {
            var url = new Uri(await cri.ExecUrlAsync(container, _all, "cat"));
            await using var answer = n % 2 == 0
                ? await HttpUpgrade.AskForSpdyAsync(cri.Settings, url, RemoteProtocol.SpdyV4.Name)
                : await HttpUpgrade.AskForWebSocketAsync(cri.Settings, url, RemoteProtocol.WebSocketV5.Name);
            Assert.Equal(101, answer.Status);
            await answer.Stream.WriteAsync((byte[])[0x80, 0xff, .. RandomNumberGenerator.GetBytes(5000)]);
        }

        await NodeNetwork.WaitForAsync(() => Task.FromResult(Descriptors(node) <= files + 2), _limit, "the end of the sessions");

        await good.WriteAsync("still here\n");
        await good.EndInputAsync();
        Assert.Equal(4, (await good.WaitAsync()).ExitCode);
        Assert.Equal("first\nstill here\n", good.Output.ToString());
        await WithoutAsync(container, "cat");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Session_WhoseClientReadsNothing_CostsLittleAndIsEndedAsIdle(bool isWebSocket)
    {
        await using var node = await GantryNode.StartAsync(network, "[streaming]\nidle_timeout_seconds = 3");
        await using var cri = new SpecContext(node.Cri, node.Settings());
        var container = await cri.SleeperAsync();
        var (files, memory) = (Descriptors(node), Memory(node));
        var url = new Uri(await cri.ExecUrlAsync(container, new RemoteStreams(ErrorOutput: false), "yes"));

        await using var answer = isWebSocket
            ? await HttpUpgrade.AskForWebSocketAsync(cri.Settings, url, RemoteProtocol.WebSocketV5.Name)
            : await HttpUpgrade.AskForSpdyAsync(cri.Settings, url, RemoteProtocol.SpdyV4.Name);
        Assert.Equal(101, answer.Status);
        if (!isWebSocket)
            await OpenStreamsAsync(answer.Stream);

        await NodeNetwork.WaitForAsync(async () => await HasAsync(container, "yes"), _limit, "the command");
        await NodeNetwork.WaitForAsync(() => Task.FromResult(Descriptors(node) <= files + 2), _limit, "the end of the session");
        Assert.True(Memory(node) < memory + SmallGrowth, $"{memory} KiB grew to {Memory(node)} KiB");
        await WithoutAsync(container, "yes");
        await NodeNetwork.WaitForAsync(() => Task.FromResult(node.ReadLog().Contains("nothing had moved", StringComparison.Ordinal)), _limit, "the reason in the log");
    }

    [Fact]
    public async Task Attach_MoreThanThereIsRoomFor_IsToldSoAndTakesNobodysPlace()
    {
        const int Room = 32;
        await using var node = await GantryNode.StartAsync(network);
        await using var cri = new SpecContext(node.Cri, node.Settings());
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("while read line; do echo $line; done", config => config.Stdin = true);
        var readers = new List<RemoteSession>();
        for (var n = 0; n < Room - 1; n++)
            readers.Add(await cri.OpenAttachAsync(container, RemoteProtocol.WebSocketV5, new RemoteStreams(ErrorOutput: false)));
        await using var writer = await cri.OpenAttachAsync(container, RemoteProtocol.SpdyV4, new RemoteStreams(Input: true, Output: false, ErrorOutput: false));

        // Clients are attached a moment after their sessions are open.
        async Task<bool> AllHearAsync(string line)
        {
            await writer.WriteAsync(line + "\n");
            return readers.TrueForAll(reader => reader.Output.ToString().Contains(line, StringComparison.Ordinal));
        }
        await NodeNetwork.WaitForAsync(() => AllHearAsync("all there"), _limit, "the attached clients");
        await using (var further = await cri.OpenAttachAsync(container, RemoteProtocol.SpdyV4, new RemoteStreams(ErrorOutput: false)))
            Assert.Contains("attaches no more clients", (await further.WaitAsync()).Text, StringComparison.Ordinal);

        await NodeNetwork.WaitForAsync(() => AllHearAsync("still here"), _limit, "what is written after it");
        foreach (var reader in readers)
            await reader.DisposeAsync();
    }

    [Fact]
    public async Task Clients_ThatVanish_LeaveNoDescriptorAndNoCommand()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using var cri = new SpecContext(node.Cri, node.Settings());
        var container = await cri.SleeperAsync();
        var files = Descriptors(node);
        foreach (var protocol in new[] { RemoteProtocol.SpdyV4, RemoteProtocol.WebSocketV4, RemoteProtocol.WebSocketV5 })
        {
            foreach (var streams in new[] { _all, new RemoteStreams(Input: true, Terminal: true) })
            {
                await using var session = await cri.OpenExecAsync(container, protocol, streams, "sh", "-c", "echo ready; exec cat");
                await session.Output.ContainsAsync("ready");
            }
        }

        await WithoutAsync(container, "cat");
        await NodeNetwork.WaitForAsync(() => Task.FromResult(Descriptors(node) <= files + 2), _limit, "the end of the sessions");
    }

    [Fact]
    public async Task Daemon_KilledDuringSessions_LeavesTheContainerAndServesAgain()
    {
        await using var node = await GantryNode.StartAsync(network);
        using var connection = new CriConnection(node.Socket);
        await using var cri = new SpecContext(connection, node.Settings());
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("while read line; do echo got $line; [ $line = end ] && exit 3; done", config => config.Stdin = true);
        await using var attach = await cri.OpenAttachAsync(container, RemoteProtocol.SpdyV4, _all);
        await attach.WriteAsync("one\n");
        await attach.Output.ContainsAsync("got one\n");
        await using var exec = await cri.OpenShellAsync(container, _all, "echo ready; exec cat");
        await exec.Output.ContainsAsync("ready");

        await node.KillDaemonAsync();
        // Cut off, and not told of an end that was none.
        await Assert.ThrowsAsync<SpecFailedException>(() => attach.WaitAsync());
        await Assert.ThrowsAsync<SpecFailedException>(() => exec.WaitAsync());
        await node.StartDaemonAsync();

        await WithoutAsync(container, "cat");
        await using var again = await cri.OpenAttachAsync(container, RemoteProtocol.WebSocketV5, _all);
        await again.WriteAsync("end\n");
        await again.WaitAsync();
        Assert.Equal(3, (await container.WaitForExitAsync()).ExitCode);
    }

    [Fact]
    public async Task Daemon_ToldToEnd_DoesNotWaitForSessions()
    {
        await using var node = await GantryNode.StartAsync(network);
        using var connection = new CriConnection(node.Socket);
        await using var cri = new SpecContext(connection, node.Settings());
        var container = await cri.SleeperAsync();
        await using var reader = await cri.OpenShellAsync(container, _all, "cat");
        var url = new Uri(await cri.ExecUrlAsync(container, _outputs, "yes"));
        await using var stuck = await HttpUpgrade.AskForWebSocketAsync(cri.Settings, url, RemoteProtocol.WebSocketV5.Name);
        await NodeNetwork.WaitForAsync(async () => await HasAsync(container, "yes"), _limit, "the command");

        await node.StopDaemonAsync(TimeSpan.FromSeconds(20));
        await node.StartDaemonAsync();
    }

    /// <summary>The streams of an exec without standard input, by hand: nothing reads what comes.</summary>
    private static async Task OpenStreamsAsync(Stream stream)
    {
        var connection = new Gantry.Spdy.SpdyConnection(stream, Gantry.Spdy.SpdyRole.Client, new Gantry.Spdy.SpdyLimits { StreamBuffer = 4096 }, TimeProvider.System);
        _ = connection.RunAsync();
        foreach (var kind in new[] { "error", "stdout" })
            await connection.OpenAsync(new Dictionary<string, string> { ["streamtype"] = kind }, CancellationToken.None);
    }

    private static int Descriptors(GantryNode node) => Directory.GetFiles($"/proc/{node.DaemonPid}/fd").Length;

    /// <summary>In KiB.</summary>
    private static long Memory(GantryNode node) => long.Parse(
        File.ReadLines($"/proc/{node.DaemonPid}/status").First(line => line.StartsWith("RssAnon:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2],
        System.Globalization.CultureInfo.InvariantCulture);

    private static async Task<bool> HasAsync(SpecContainer container, string command) => (await container.ShellAsync("ps -o args")).Split('\n').Contains(command);

    private static Task WithoutAsync(SpecContainer container, string command) =>
        NodeNetwork.WaitForAsync(async () => !await HasAsync(container, command), _limit, $"the end of '{command}'");
}
