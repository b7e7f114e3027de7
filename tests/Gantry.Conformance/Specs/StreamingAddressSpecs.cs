using System.Net;
using Gantry.Conformance.Streaming;
using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Conformance.Specs;

/// <summary>The calls that answer an address, and who may use it how.</summary>
internal static class StreamingAddressSpecs
{
    private static readonly RemoteStreams _outputs = new();

    public static IReadOnlyList<Spec> All { get; } =
    [
        new("streaming/wrong-requests", "requests that contradict themselves or ask for nothing are InvalidArgument", WrongRequestsAsync),
        new("streaming/unknown", "streams of what does not exist are NotFound", UnknownAsync),
        new("streaming/not-running", "streams of a container that does not run fail, at the call or at the latest in the session", NotRunningAsync),
        new("streaming/loopback", "the addresses are of this machine's loopback", LoopbackAsync),
        new("streaming/token-once", "an address is good once", OnceAsync),
        new("streaming/token-of-kind", "an address is good for what it was asked for alone", KindAsync),
        new("streaming/strange-requests", "any other request is refused, and never redirected", StrangeAsync),
        new("streaming/protocol-unknown", "a protocol that nobody knows is refused with the known ones named", ProtocolAsync),
    ];

    private static async Task WrongRequestsAsync(SpecContext cri)
    {
        var container = await cri.SleeperAsync();
        await Check.FailsAsync(StatusCode.InvalidArgument, async () => await cri.Runtime.ExecAsync(Exec(container.Id, request => (request.Tty, request.Stderr) = (true, true))));
        await Check.FailsAsync(StatusCode.InvalidArgument, async () => await cri.Runtime.ExecAsync(Exec(container.Id, request => request.Stdout = false)));
        await Check.FailsAsync(StatusCode.InvalidArgument, async () => await cri.Runtime.ExecAsync(Exec("", _ => { })));
        await Check.FailsAsync(StatusCode.InvalidArgument, async () => await cri.Runtime.AttachAsync(new AttachRequest { ContainerId = container.Id }));
        await Check.FailsAsync(StatusCode.InvalidArgument, async () => await cri.Runtime.AttachAsync(new AttachRequest { ContainerId = container.Id, Tty = true, Stdout = true, Stderr = true }));
        await Check.FailsAsync(StatusCode.InvalidArgument, async () => await cri.Runtime.PortForwardAsync(new PortForwardRequest()));
    }

    private static async Task UnknownAsync(SpecContext cri)
    {
        var nothing = new string('0', 64);
        await Check.FailsAsync(StatusCode.NotFound, async () => await cri.Runtime.ExecAsync(Exec(nothing, _ => { })));
        await Check.FailsAsync(StatusCode.NotFound, async () => await cri.Runtime.AttachAsync(new AttachRequest { ContainerId = nothing, Stdout = true }));
        await Check.FailsAsync(StatusCode.NotFound, async () => await cri.Runtime.PortForwardAsync(new PortForwardRequest { PodSandboxId = nothing }));
    }

    private static async Task NotRunningAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("true");
        await container.WaitForExitAsync();
        await FailsAsync(() => cri.OpenExecAsync(container, RemoteProtocol.SpdyV4, _outputs, "true"));
        await FailsAsync(() => cri.OpenAttachAsync(container, RemoteProtocol.SpdyV4, _outputs));
        await pod.StopAsync();
        try
        {
            await cri.PortForwardUrlAsync(pod, 80);
        }
        catch (RpcException)
        {
            return;
        }
        throw new SpecFailedException("ports of a stopped pod were offered");
    }

    private static async Task FailsAsync(Func<Task<RemoteSession>> open)
    {
        try
        {
            await using var session = await open();
            Check.True((await session.WaitAsync()).ExitCode is not 0, "the session succeeded");
        }
        catch (RpcException)
        {
            // At the call: the best answer.
        }
    }

    private static async Task LoopbackAsync(SpecContext cri)
    {
        var container = await cri.SleeperAsync();
        var url = new Uri(await cri.ExecUrlAsync(container, _outputs, "true"));
        Check.True(IPAddress.TryParse(url.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address), url.Host);
    }

    private static async Task OnceAsync(SpecContext cri)
    {
        var container = await cri.SleeperAsync();
        var url = await cri.ExecUrlAsync(container, _outputs, "true");
        await using (var session = await RemoteSession.OpenAsync(cri.Settings, url, RemoteProtocol.SpdyV4, _outputs))
            await session.WaitAsync();
        await using var again = await HttpUpgrade.AskForSpdyAsync(cri.Settings, new Uri(url), RemoteProtocol.SpdyV4.Name);
        Check.Equal(404, again.Status);
    }

    private static async Task KindAsync(SpecContext cri)
    {
        var container = await cri.SleeperAsync();
        var url = await cri.ExecUrlAsync(container, _outputs, "true");
        await using var answer = await HttpUpgrade.AskForSpdyAsync(cri.Settings, new Uri(url.Replace("/exec/", "/attach/", StringComparison.Ordinal)), RemoteProtocol.SpdyV4.Name);
        Check.Equal(404, answer.Status);
    }

    private static async Task StrangeAsync(SpecContext cri)
    {
        var container = await cri.SleeperAsync();
        var url = new Uri(await cri.ExecUrlAsync(container, _outputs, "true"));
        foreach (var path in new[] { "/", "/exec", "/exec/", "/exec/a/b", "/metrics", "/healthz", "//exec/x", "/exec/../exec/x", "/cri/exec/x", "/exec/" + new string('x', 43) })
        {
            await using var answer = await HttpUpgrade.AskForSpdyAsync(cri.Settings, new Uri($"{url.Scheme}://{url.Authority}{path}"), RemoteProtocol.SpdyV4.Name);
            Check.True(answer.Status is >= 400 and < 500, $"{path} was answered by {answer.Status}");
        }
        await using var put = await HttpUpgrade.AskAsync(cri.Settings, url, "PUT", "Connection: Upgrade", "Upgrade: SPDY/3.1", "Content-Length: 0");
        Check.True(put.Status is >= 400 and < 500, $"PUT was answered by {put.Status}");
    }

    private static async Task ProtocolAsync(SpecContext cri)
    {
        var container = await cri.SleeperAsync();
        await using var spdy = await HttpUpgrade.AskForSpdyAsync(cri.Settings, new Uri(await cri.ExecUrlAsync(container, _outputs, "true")), "v99.channel.k8s.io");
        Check.Equal(403, spdy.Status);
        Check.Contains("v4.channel.k8s.io", spdy.Headers.GetValueOrDefault("x-accepted-stream-protocol-versions", ""));
        await using var socket = await HttpUpgrade.AskForWebSocketAsync(cri.Settings, new Uri(await cri.ExecUrlAsync(container, _outputs, "true")), "v99.channel.k8s.io");
        Check.True(socket.Status is >= 400 and < 500, $"it was answered by {socket.Status}");
    }

    private static ExecRequest Exec(string container, Action<ExecRequest> change)
    {
        var request = new ExecRequest { ContainerId = container, Stdout = true };
        request.Cmd.Add("true");
        change(request);
        return request;
    }
}
