using Gantry.Cri.Api;
using Gantry.Faults;
using Gantry.Streaming;
using Grpc.Core;

namespace Gantry.Cri;

/// <summary>The calls that answer an address; what happens there is in Streaming/.</summary>
public sealed partial class RuntimeService
{
    public override Task<ExecResponse> Exec(ExecRequest request, ServerCallContext context)
    {
        var streams = Streams(request.ContainerId, request.Stdin, request.Stdout, request.Stderr, request.Tty);
        if (request.Cmd.Count == 0 || request.Cmd[0].Length == 0)
            throw new InvalidRequestException("cmd is empty");
        var container = node.Executor.GetRunning(request.ContainerId);
        return Task.FromResult(new ExecResponse { Url = node.Streaming.Offer(StreamRoute.Exec, new ExecOffer(container.Id, [.. request.Cmd], streams)) });
    }

    public override Task<AttachResponse> Attach(AttachRequest request, ServerCallContext context)
    {
        var streams = Streams(request.ContainerId, request.Stdin, request.Stdout, request.Stderr, request.Tty);
        var container = node.Attacher.GetRunning(request.ContainerId);
        return Task.FromResult(new AttachResponse { Url = node.Streaming.Offer(StreamRoute.Attach, new AttachOffer(container.Id, streams)) });
    }

    public override Task<PortForwardResponse> PortForward(PortForwardRequest request, ServerCallContext context)
    {
        if (request.PodSandboxId.Length == 0)
            throw new InvalidRequestException("pod_sandbox_id is empty");
        if (request.Port.Any(port => port is < 1 or > ushort.MaxValue))
            throw new InvalidRequestException($"a port is a number from 1 to {ushort.MaxValue}");
        var pod = node.PortForwarder.GetReady(request.PodSandboxId);
        return Task.FromResult(new PortForwardResponse { Url = node.Streaming.Offer(StreamRoute.PortForward, new PortForwardOffer(pod.Id, [.. request.Port])) });
    }

    private static CommandStreams Streams(string container, bool stdin, bool stdout, bool stderr, bool tty)
    {
        if (container.Length == 0)
            throw new InvalidRequestException("container_id is empty");
        if (tty && stderr)
            throw new InvalidRequestException("tty and stderr exclude each other: a terminal has one output");
        if (!stdin && !stdout && !stderr)
            throw new InvalidRequestException("one of stdin, stdout and stderr must be asked for");
        return new CommandStreams(stdin, stdout, stderr, tty);
    }
}
