using System.Net.WebSockets;
using Gantry.Containers;
using Gantry.Pods;
using Gantry.Spdy;
using Gantry.Streaming.Spdy;
using Gantry.Streaming.WebSockets;
using Microsoft.AspNetCore.Http.Features;

namespace Gantry.Streaming;

/// <summary>The three things that streams are for.</summary>
public sealed record StreamServices(ExecStream Exec, AttachStream Attach, PortForwardStream PortForward);

/// <summary>Runs the sessions of redeemed offers.</summary>
public sealed class StreamSessions(StreamingOptions options, StreamServices services, ContainerStore containers, PodStore pods, TimeProvider time)
{
    /// <summary>What a client that has left had sent is still delivered, for so long.</summary>
    private static readonly TimeSpan _afterLeaving = TimeSpan.FromSeconds(10);

    private static readonly SpdyLimits _ofCommands = new();

    /// <summary>Twice the connections at once; one of them that does not move holds up the others for so long at most.</summary>
    private static readonly SpdyLimits _ofPortForwards = new() { MostStreams = 2048, StreamBuffer = 64 << 10, StallLimit = TimeSpan.FromSeconds(30) };

    /// <summary>Why an offer can't be kept any more; null where it can.</summary>
    public string? Refusal(StreamOffer offer) => offer switch
    {
        ExecOffer exec => NotRunning(exec.Container),
        AttachOffer attach => NotRunning(attach.Container),
        PortForwardOffer forward when pods.TryGet(forward.Pod) is not { State: PodState.Ready } => $"pod {forward.Pod.Short} is not Ready any more",
        _ => null,
    };

    /// <summary>Upgrades the connection and serves it to its end.</summary>
    /// <param name="ending">Cancelled from here when nothing has moved for too long, and from outside when the daemon stops.</param>
    public async Task RunAsync(HttpContext context, StreamAgreement agreement, StreamOffer offer, CancellationTokenSource ending)
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = context.RequestAborted.Register(() => gone.TrySetResult());
        // No token ends a write half-way: where the client takes nothing, only the connection's end does.
        await using var abort = ending.Token.Register(context.Abort);
        if (agreement.Channels is { } protocol && protocol != ChannelProtocol.Tunnel)
            await RunChannelsAsync(context, protocol, offer, gone.Task, ending);
        else
            await RunSpdyAsync(context, agreement, offer, gone.Task, ending);
    }

    private async Task RunSpdyAsync(HttpContext context, StreamAgreement agreement, StreamOffer offer, Task gone, CancellationTokenSource ending)
    {
        var transport = agreement.Channels is null
            ? await agreement.UpgradeToSpdyAsync(context)
            : new WebSocketTunnel(await AcceptAsync(context, ChannelProtocol.Tunnel));
        await using var connection = new SpdyConnection(transport, SpdyRole.Server, offer is PortForwardOffer ? _ofPortForwards : _ofCommands, time);
        using var idle = new IdleWatch(options.IdleLimit, () => connection.LastActivity, ending.Cancel, time);
        var reading = connection.RunAsync();
        try
        {
            if (offer is PortForwardOffer forward)
                await RunPortForwardAsync(connection, forward, gone, ending.Token);
            else
                await RunCommandAsync(connection, agreement.Version, offer, gone, ending.Token);
        }
        finally
        {
            await connection.DisposeAsync();
            await reading;
        }
    }

    private async Task RunChannelsAsync(HttpContext context, ChannelProtocol protocol, StreamOffer offer, Task gone, CancellationTokenSource ending)
    {
        var last = time.GetTimestamp();
        void Touch() => Volatile.Write(ref last, time.GetTimestamp());
        using var socket = await AcceptAsync(context, protocol);
        using var idle = new IdleWatch(options.IdleLimit, () => Volatile.Read(ref last), ending.Cancel, time);
        if (offer is PortForwardOffer forward)
        {
            await using var connection = WebSocketPortForward.Open(socket, protocol, forward, Touch);
            await new WebSocketPortForward(connection, forward, services.PortForward).RunAsync(ending.Token);
            return;
        }
        await using var command = new WebSocketCommand(socket, protocol, StreamsOf(offer), gone, Touch);
        await command.GreetAsync();
        await RunAsync(offer, command, ending.Token);
    }

    private async Task RunPortForwardAsync(SpdyConnection connection, PortForwardOffer offer, Task gone, CancellationToken cancel)
    {
        var forwarding = new SpdyPortForward(connection, offer, services.PortForward, options.CreationLimit).RunAsync(cancel);
        if (await Task.WhenAny(forwarding, gone) == gone)
        {
            await Task.WhenAny(forwarding, Task.Delay(_afterLeaving, time, cancel));
            await connection.DisposeAsync();
        }
        await forwarding;
    }

    private async Task RunCommandAsync(SpdyConnection connection, CommandVersion version, StreamOffer offer, Task gone, CancellationToken cancel)
    {
        using var timer = new CancellationTokenSource(options.CreationLimit, time);
        using var inTime = CancellationTokenSource.CreateLinkedTokenSource(cancel, timer.Token);
        if (await SpdyCommand.AcceptAsync(connection, StreamsOf(offer), version, gone, inTime.Token) is not { } command)
            return;
        await using (command)
            await RunAsync(offer, command, cancel);
    }

    private Task RunAsync(StreamOffer offer, RemoteCommand command, CancellationToken cancel) => offer switch
    {
        ExecOffer exec => services.Exec.RunAsync(exec, command, cancel),
        AttachOffer attach => services.Attach.RunAsync(attach, command, cancel),
        _ => throw new InvalidOperationException("a port forward is no command"),
    };

    private static Task<WebSocket> AcceptAsync(HttpContext context, ChannelProtocol protocol) =>
        WebSocketHandshake.AcceptAsync(context, context.Features.GetRequiredFeature<IHttpUpgradeFeature>(), protocol.Name);

    private static CommandStreams StreamsOf(StreamOffer offer) => offer switch
    {
        ExecOffer exec => exec.Streams,
        AttachOffer attach => attach.Streams,
        _ => throw new InvalidOperationException("a port forward has no standard streams"),
    };

    private string? NotRunning(Identity.ContainerId id) =>
        containers.TryGet(id) is { State: ContainerState.Running } ? null : $"container {id.Short} does not run any more";
}
