using Gantry.Cri.Api;

namespace Gantry.Conformance.Streaming;

/// <summary>The calls that answer addresses, and sessions at them.</summary>
public static class StreamingCalls
{
    public static async Task<string> ExecUrlAsync(this SpecContext cri, SpecContainer container, RemoteStreams streams, params string[] command)
    {
        var request = new ExecRequest { ContainerId = container.Id, Stdin = streams.Input, Stdout = streams.Output, Stderr = streams.ErrorOutput && !streams.Terminal, Tty = streams.Terminal };
        request.Cmd.Add(command);
        return (await cri.Runtime.ExecAsync(request)).Url;
    }

    public static async Task<RemoteSession> OpenExecAsync(this SpecContext cri, SpecContainer container, RemoteProtocol protocol, RemoteStreams streams, params string[] command) =>
        await RemoteSession.OpenAsync(cri.Settings, await cri.ExecUrlAsync(container, streams, command), protocol, streams);

    /// <summary>A shell script, with the protocol that every runtime speaks.</summary>
    public static Task<RemoteSession> OpenShellAsync(this SpecContext cri, SpecContainer container, RemoteStreams streams, string script) =>
        cri.OpenExecAsync(container, RemoteProtocol.SpdyV4, streams, "sh", "-c", script);

    public static async Task<RemoteSession> OpenAttachAsync(this SpecContext cri, SpecContainer container, RemoteProtocol protocol, RemoteStreams streams)
    {
        var request = new AttachRequest { ContainerId = container.Id, Stdin = streams.Input, Stdout = streams.Output, Stderr = streams.ErrorOutput && !streams.Terminal, Tty = streams.Terminal };
        var url = (await cri.Runtime.AttachAsync(request)).Url;
        return await RemoteSession.OpenAsync(cri.Settings, url, protocol, streams);
    }

    public static async Task<string> PortForwardUrlAsync(this SpecContext cri, SpecPod pod, params int[] ports)
    {
        var request = new PortForwardRequest { PodSandboxId = pod.Id };
        request.Port.Add(ports);
        return (await cri.Runtime.PortForwardAsync(request)).Url;
    }

    /// <summary>A container that does nothing until it is stopped.</summary>
    public static async Task<SpecContainer> SleeperAsync(this SpecContext cri) =>
        await (await cri.RunPodAsync()).RunShellAsync("trap exit TERM; while true; do sleep 1; done");
}
