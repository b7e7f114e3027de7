namespace Gantry.Conformance.Streaming;

/// <summary>A protocol of remote commands, as a client asks for it.</summary>
/// <param name="Id">For names of specs.</param>
/// <param name="Name">In the header; empty for a client that names none.</param>
/// <param name="IsWebSocket">WebSocket, or SPDY.</param>
/// <param name="StatusIsJson">Whether the error stream carries a Status, and with it exit codes.</param>
/// <param name="EndsInput">Whether the client can finish its input alone.</param>
/// <param name="HasResizes">Whether it can tell a terminal's size.</param>
public sealed record RemoteProtocol(string Id, string Name, bool IsWebSocket, bool StatusIsJson, bool EndsInput, bool HasResizes)
{
    public static RemoteProtocol SpdyV4 { get; } = new("spdy-v4", "v4.channel.k8s.io", IsWebSocket: false, StatusIsJson: true, EndsInput: true, HasResizes: true);

    public static RemoteProtocol WebSocketV4 { get; } = new("websocket-v4", "v4.channel.k8s.io", IsWebSocket: true, StatusIsJson: true, EndsInput: false, HasResizes: true);

    /// <summary>No runtime but this one speaks it itself; for the others the kubelet translates.</summary>
    public static RemoteProtocol WebSocketV5 { get; } = new("websocket-v5", "v5.channel.k8s.io", IsWebSocket: true, StatusIsJson: true, EndsInput: true, HasResizes: true);

    public static IReadOnlyList<RemoteProtocol> All { get; } =
    [
        SpdyV4,
        new("spdy-v3", "v3.channel.k8s.io", IsWebSocket: false, StatusIsJson: false, EndsInput: true, HasResizes: true),
        new("spdy-v2", "v2.channel.k8s.io", IsWebSocket: false, StatusIsJson: false, EndsInput: true, HasResizes: false),
        new("spdy-v1", "channel.k8s.io", IsWebSocket: false, StatusIsJson: false, EndsInput: true, HasResizes: false),
        WebSocketV5,
        WebSocketV4,
        new("websocket-v4-base64", "v4.base64.channel.k8s.io", IsWebSocket: true, StatusIsJson: true, EndsInput: false, HasResizes: true),
        new("websocket-v1", "channel.k8s.io", IsWebSocket: true, StatusIsJson: false, EndsInput: false, HasResizes: true),
        new("websocket-v1-base64", "base64.channel.k8s.io", IsWebSocket: true, StatusIsJson: false, EndsInput: false, HasResizes: true),
        new("websocket-unnamed", "", IsWebSocket: true, StatusIsJson: false, EndsInput: false, HasResizes: true),
    ];

    public bool IsBase64 => Name.Contains("base64", StringComparison.Ordinal);

    public override string ToString() => Id;
}
