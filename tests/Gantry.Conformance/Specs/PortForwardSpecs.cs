using System.Net.WebSockets;
using System.Text;
using Gantry.Conformance.Streaming;
using Gantry.Cri.Api;
using Gantry.Spdy;

namespace Gantry.Conformance.Specs;

/// <summary>Connections to ports of pods.</summary>
internal static class PortForwardSpecs
{
    /// <summary>A server that answers each connection with what it says; the name tells two pods apart.</summary>
    private const string EchoServer = "nc -ll -p 7007 -e cat & nc -ll -p 7008 -e md5sum & nc -ll -p 7009 -e hostname & wait";

    public static IReadOnlyList<Spec> All { get; } =
    [
        new("port-forward/spdy", "a port of a pod is reached over SPDY", cri => EchoAsync(cri, ForwardSession.OpenAsync)),
        new("port-forward/tunnel", "a port of a pod is reached over SPDY in a WebSocket", cri => EchoAsync(cri, ForwardSession.OpenTunnelAsync)),
        new("port-forward/websocket", "ports of a pod are reached over a WebSocket, two channels each", cri => ChannelsAsync(cri, "v4.channel.k8s.io")),
        new("port-forward/websocket-base64", "ports of a pod are reached over a WebSocket, in base64", cri => ChannelsAsync(cri, "v4.base64.channel.k8s.io")),
        new("port-forward/half-close", "a client that has said all still hears the answer", HalfCloseAsync),
        new("port-forward/large", "10 MB each way come through whole", LargeAsync),
        new("port-forward/many", "a hundred connections at once each get what is theirs", ManyAsync),
        new("port-forward/closed-port", "a port that nothing listens on is told of on the error stream, and the other connections go on", ClosedPortAsync),
        new("port-forward/aborted", "connections that are cut off do not disturb the next ones", AbortedAsync),
        new("port-forward/ipv6", "a server on ::1 alone is reached too", Ipv6Async),
        new("port-forward/own-pod", "a connection reaches the pod that was asked for, and no other", OwnPodAsync),
        new("port-forward/host-network", "a port of a pod on the host's network is reached", HostNetworkAsync),
        new("port-forward/without-request", "clients that number no requests are served", WithoutRequestAsync),
        new("port-forward/wrong-streams", "streams without a port or a known type are reset, and the others go on", WrongStreamsAsync),
    ];

    private static async Task EchoAsync(SpecContext cri, Func<SpecContext, SpecPod, Task<ForwardSession>> open)
    {
        var pod = await EchoPodAsync(cri);
        await using var session = await open(cri, pod);
        var connection = await session.ConnectAsync(7007);
        Check.Equal("hello there", await connection.AskAsync("hello there"));
        Check.Equal("", await connection.ProblemAsync());
        Check.Equal("again", await (await session.ConnectAsync(7007)).AskAsync("again"));
    }

    private static async Task ChannelsAsync(SpecContext cri, string protocol)
    {
        var pod = await EchoPodAsync(cri);
        var answer = await HttpUpgrade.AskForWebSocketAsync(cri.Settings, new Uri(await cri.PortForwardUrlAsync(pod, 7007, 7009)), protocol);
        Check.Equal(101, answer.Status);
        using var socket = WebSocket.CreateFromStream(answer.Stream, new WebSocketCreationOptions { IsServer = false });
        var isBase64 = protocol.Contains("base64", StringComparison.Ordinal);
        var channels = new MemoryStream[4];
        for (var n = 0; n < 4; n++)
            channels[n] = new MemoryStream();
        byte[] message = isBase64 ? [(byte)'0', .. Encoding.ASCII.GetBytes(Convert.ToBase64String("hello"u8))] : [0, .. "hello"u8];
        await socket.SendAsync(message, isBase64 ? WebSocketMessageType.Text : WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
        var host = pod.Config.Hostname + "\n";
        while (channels[0].Length < 2 + 5 || channels[2].Length < 2 + host.Length)
        {
            var buffer = new byte[64 << 10];
            var received = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None).AsTask().WaitAsync(TimeSpan.FromSeconds(60));
            Check.True(received.EndOfMessage && received.MessageType is not WebSocketMessageType.Close, "the server closes, or sends pieces");
            var bytes = buffer[1..received.Count];
            channels[isBase64 ? buffer[0] - '0' : buffer[0]].Write(isBase64 ? Convert.FromBase64String(Encoding.ASCII.GetString(bytes)) : bytes);
        }
        // The port first, its low byte before its high one: 7007 is 0x1b5f.
        Check.Equal("5F1B" + Convert.ToHexString("hello"u8), Convert.ToHexString(channels[0].ToArray()));
        Check.Equal("611B" + Convert.ToHexString(Encoding.ASCII.GetBytes(host)), Convert.ToHexString(channels[2].ToArray()));
    }

    private static async Task HalfCloseAsync(SpecContext cri)
    {
        var pod = await EchoPodAsync(cri);
        await using var session = await ForwardSession.OpenAsync(cri, pod);
        Check.Contains("5d41402abc4b2a76b9719d911017c592", await (await session.ConnectAsync(7008)).AskAsync("hello"));
    }

    private static async Task LargeAsync(SpecContext cri)
    {
        var pod = await EchoPodAsync(cri);
        await using var session = await ForwardSession.OpenAsync(cri, pod);
        var text = string.Concat(Enumerable.Range(0, 1_250_000).Select(n => $"{n,7}\n"));
        var connection = await session.ConnectAsync(7007);
        var reading = ForwardedConnection.ReadToEndAsync(connection.Data);
        await connection.WriteAsync(text);
        await connection.Data.FinishAsync();
        Check.True(await reading == text, "what comes back is not what was sent");
    }

    private static async Task ManyAsync(SpecContext cri)
    {
        var pod = await EchoPodAsync(cri);
        await using var session = await ForwardSession.OpenAsync(cri, pod);
        var connections = new List<ForwardedConnection>();
        for (var n = 0; n < 100; n++)
        {
            // One after the other: the server's queue of connections that it has not accepted is short.
            var connection = await session.ConnectAsync(7007);
            await connection.WriteAsync("<");
            var echo = await connection.Data.Input.ReadAsync();
            connection.Data.Input.AdvanceTo(echo.Buffer.Start);
            connections.Add(connection);
        }
        var answers = await Task.WhenAll(connections.Select((connection, n) => connection.AskAsync($"{n}>")));
        Check.Equal(string.Concat(Enumerable.Range(0, 100).Select(n => $"<{n}>")), string.Concat(answers));
    }

    private static async Task ClosedPortAsync(SpecContext cri)
    {
        var pod = await EchoPodAsync(cri);
        await using var session = await ForwardSession.OpenAsync(cri, pod);
        var good = await session.ConnectAsync(7007);
        var bad = await session.ConnectAsync(9);
        Check.Contains("9", await bad.ProblemAsync());
        Check.Equal("fine", await good.AskAsync("fine"));
        Check.Equal("next", await (await session.ConnectAsync(7007)).AskAsync("next"));
    }

    private static async Task AbortedAsync(SpecContext cri)
    {
        var pod = await EchoPodAsync(cri);
        await using var session = await ForwardSession.OpenAsync(cri, pod);
        for (var n = 0; n < 50; n++)
        {
            var connection = await session.ConnectAsync(7007);
            await connection.WriteAsync("cut");
            await connection.Data.ResetAsync(SpdyResetReason.Cancel);
        }
        Check.Equal("fine", await (await session.ConnectAsync(7007)).AskAsync("fine"));
    }

    private static async Task Ipv6Async(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        await pod.RunShellAsync("mkdir /tmp/www; echo six > /tmp/www/index.html; httpd -f -p [::1]:8080 -h /tmp/www");
        await using var session = await ForwardSession.OpenAsync(cri, pod);
        await Check.EventuallyAsync(
            async () => (await (await session.ConnectAsync(8080)).AskAsync("GET / HTTP/1.0\r\n\r\n")).EndsWith("six\n", StringComparison.Ordinal), "the server answers");
    }

    private static async Task OwnPodAsync(SpecContext cri)
    {
        var pods = new[] { await EchoPodAsync(cri), await EchoPodAsync(cri) };
        foreach (var pod in pods)
        {
            await using var session = await ForwardSession.OpenAsync(cri, pod);
            Check.Equal(pod.Config.Hostname + "\n", await (await session.ConnectAsync(7009)).AskAsync(""));
        }
    }

    private static async Task HostNetworkAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync(config =>
        {
            config.Hostname = "";
            config.Linux.SecurityContext.NamespaceOptions.Network = NamespaceMode.Node;
        });
        await pod.RunShellAsync("nc -ll -p 17007 -e cat");
        await using var session = await ForwardSession.OpenAsync(cri, pod);
        await Check.EventuallyAsync(async () => await (await session.ConnectAsync(17007)).AskAsync("host") == "host", "the server answers");
    }

    private static async Task WithoutRequestAsync(SpecContext cri)
    {
        var pod = await EchoPodAsync(cri);
        await using var session = await ForwardSession.OpenAsync(cri, pod);
        Check.Equal("one", await (await session.ConnectAsync(7007, withRequest: false)).AskAsync("one"));
        Check.Equal("two", await (await session.ConnectAsync(7007, withRequest: false)).AskAsync("two"));
    }

    private static async Task WrongStreamsAsync(SpecContext cri)
    {
        var pod = await EchoPodAsync(cri);
        await using var session = await ForwardSession.OpenAsync(cri, pod);
        foreach (var (kind, port) in new[] { ("data", "0"), ("data", "65536"), ("data", "x"), ("other", "80"), ("error", "") })
        {
            try
            {
                await session.OpenStreamAsync(new Dictionary<string, string> { ["streamtype"] = kind, ["port"] = port, ["requestid"] = "1" });
            }
            catch (SpdyException)
            {
                continue;
            }
            throw new SpecFailedException($"a {kind} stream to port '{port}' was accepted");
        }
        Check.Equal("fine", await (await session.ConnectAsync(7007)).AskAsync("fine"));
    }

    private static async Task<SpecPod> EchoPodAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync(EchoServer);
        await Check.EventuallyAsync(async () => (await container.ShellAsync("netstat -ltn | grep -c -E ':700[789] ' || true")).Trim() == "3", "the servers listen");
        return pod;
    }
}
