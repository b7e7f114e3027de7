namespace Gantry.Streaming.WebSockets;

/// <summary>
/// A WebSocket subprotocol of Kubernetes: each message begins with a byte that names its channel: 0, 1 and 2 for the standard
/// streams, 3 for the status, 4 for the terminal's sizes.
/// </summary>
/// <param name="Name">As in Sec-WebSocket-Protocol; empty where a client names none.</param>
/// <param name="IsBase64">Text messages: a digit and base64, instead of a number and bytes.</param>
/// <param name="HasClose">Whether a message of 255 and a channel's number says that the sender has finished it.</param>
/// <param name="StatusIsJson">Whether channel 3 carries a Status, and with it exit codes.</param>
internal sealed record ChannelProtocol(string Name, bool IsBase64, bool HasClose, bool StatusIsJson)
{
    public static IReadOnlyList<ChannelProtocol> OfCommands { get; } =
    [
        new("v5.channel.k8s.io", IsBase64: false, HasClose: true, StatusIsJson: true),
        new("v4.channel.k8s.io", IsBase64: false, HasClose: false, StatusIsJson: true),
        new("v4.base64.channel.k8s.io", IsBase64: true, HasClose: false, StatusIsJson: true),
        new("channel.k8s.io", IsBase64: false, HasClose: false, StatusIsJson: false),
        new("base64.channel.k8s.io", IsBase64: true, HasClose: false, StatusIsJson: false),
        new("", IsBase64: false, HasClose: false, StatusIsJson: false),
    ];

    public static IReadOnlyList<ChannelProtocol> OfPortForwards { get; } =
    [
        new("v4.channel.k8s.io", IsBase64: false, HasClose: false, StatusIsJson: false),
        new("v4.base64.channel.k8s.io", IsBase64: true, HasClose: false, StatusIsJson: false),
        new("", IsBase64: false, HasClose: false, StatusIsJson: false),
    ];

    /// <summary>A whole SPDY connection in binary messages.</summary>
    public static ChannelProtocol Tunnel { get; } = new("SPDY/3.1+portforward.k8s.io", IsBase64: false, HasClose: false, StatusIsJson: false);

    /// <summary>The first that a client names and that is known.</summary>
    /// <param name="asked">Sec-WebSocket-Protocol, of all lines.</param>
    /// <param name="known">What the server speaks.</param>
    public static ChannelProtocol? Choose(IReadOnlyList<string> asked, IReadOnlyList<ChannelProtocol> known)
    {
        foreach (var name in asked.Count == 0 ? [""] : asked)
        {
            if (known.FirstOrDefault(one => one.Name == name) is { } chosen)
                return chosen;
        }
        return null;
    }
}
