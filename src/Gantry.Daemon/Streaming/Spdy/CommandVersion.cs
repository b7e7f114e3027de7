namespace Gantry.Streaming.Spdy;

/// <summary>A version of the remote command protocol over SPDY, as the header X-Stream-Protocol-Version names it.</summary>
/// <param name="Name">Empty where a client of the first version names none.</param>
/// <param name="HasResizes">Whether a client opens a stream for its terminal's sizes.</param>
/// <param name="StatusIsJson">Whether the error stream carries a Status, and with it exit codes.</param>
internal sealed record CommandVersion(string Name, bool HasResizes, bool StatusIsJson)
{
    public static IReadOnlyList<CommandVersion> All { get; } =
    [
        new("v4.channel.k8s.io", HasResizes: true, StatusIsJson: true),
        new("v3.channel.k8s.io", HasResizes: true, StatusIsJson: false),
        new("v2.channel.k8s.io", HasResizes: false, StatusIsJson: false),
        new("channel.k8s.io", HasResizes: false, StatusIsJson: false),
    ];

    /// <summary>The version of a client that names none.</summary>
    public static CommandVersion Unnamed { get; } = new("", HasResizes: false, StatusIsJson: false);
}
