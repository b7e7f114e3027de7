using Gantry.Streaming.Spdy;
using Gantry.Streaming.WebSockets;
using Microsoft.AspNetCore.Http.Features;

namespace Gantry.Streaming;

/// <summary>What protocol a request and this server agree on, or why they do not.</summary>
public sealed record StreamAgreement
{
    private const string ProtocolHeader = "X-Stream-Protocol-Version";
    private const string AcceptedHeader = "X-Accepted-Stream-Protocol-Versions";
    private const string Spdy = "SPDY/3.1";
    private const string PortForwardProtocol = "portforward.k8s.io";

    /// <summary>Null where they agree.</summary>
    public string? Problem { get; private init; }

    /// <summary>The HTTP status for the problem.</summary>
    public int Status { get; private init; } = StatusCodes.Status400BadRequest;

    /// <summary>Null for SPDY.</summary>
    internal ChannelProtocol? Channels { get; private init; }

    /// <summary>Over SPDY; of a port forward, the one that there is.</summary>
    internal CommandVersion Version { get; private init; } = CommandVersion.Unnamed;

    /// <summary>Reads a request's headers; those of the answer that depend on them are set.</summary>
    public static StreamAgreement Of(HttpContext context, string kind)
    {
        if (context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true })
            return new StreamAgreement { Problem = $"this is the address of a stream: ask for an upgrade to {Spdy} or websocket" };
        var upgrade = context.Request.Headers.Upgrade.ToString();
        if (upgrade.Equals("websocket", StringComparison.OrdinalIgnoreCase))
            return OfWebSocket(context.Request, kind);
        return upgrade.Contains(Spdy, StringComparison.OrdinalIgnoreCase)
            ? OfSpdy(context, kind)
            : new StreamAgreement { Problem = $"an upgrade to '{upgrade}' is not offered: ask for {Spdy} or websocket" };
    }

    /// <summary>Upgrades to SPDY.</summary>
    internal async Task<Stream> UpgradeToSpdyAsync(HttpContext context)
    {
        context.Response.Headers.Upgrade = Spdy;
        if (Version.Name.Length > 0)
            context.Response.Headers[ProtocolHeader] = Version.Name;
        return await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
    }

    private static StreamAgreement OfWebSocket(HttpRequest request, string kind)
    {
        if (WebSocketHandshake.Check(request) is { } problem)
            return new StreamAgreement { Problem = problem };
        IReadOnlyList<ChannelProtocol> known = kind == StreamRoute.PortForward ? [ChannelProtocol.Tunnel, .. ChannelProtocol.OfPortForwards] : ChannelProtocol.OfCommands;
        return ChannelProtocol.Choose(request.Headers.GetCommaSeparatedValues("Sec-WebSocket-Protocol"), known) is { } chosen
            ? new StreamAgreement { Channels = chosen }
            : new StreamAgreement { Problem = $"none of these subprotocols is spoken here; these are: {string.Join(", ", known.Select(one => one.Name).Where(name => name.Length > 0))}", Status = StatusCodes.Status403Forbidden };
    }

    private static StreamAgreement OfSpdy(HttpContext context, string kind)
    {
        var asked = context.Request.Headers.GetCommaSeparatedValues(ProtocolHeader);
        IReadOnlyList<CommandVersion> known = kind == StreamRoute.PortForward ? [CommandVersion.Unnamed with { Name = PortForwardProtocol }] : CommandVersion.All;
        if (asked.Length == 0)
            return new StreamAgreement { Version = kind == StreamRoute.PortForward ? known[0] : CommandVersion.Unnamed };
        foreach (var name in asked)
        {
            if (known.FirstOrDefault(version => version.Name == name) is { } chosen)
                return new StreamAgreement { Version = chosen };
        }
        var names = string.Join(", ", known.Select(version => version.Name));
        context.Response.Headers[AcceptedHeader] = names;
        return new StreamAgreement { Problem = $"none of these protocols is spoken here; these are: {names}", Status = StatusCodes.Status403Forbidden };
    }
}
