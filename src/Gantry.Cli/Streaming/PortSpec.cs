using System.Globalization;

namespace Gantry.Cli.Streaming;

/// <summary>A port of this machine and the pod's port that it leads to.</summary>
/// <param name="Local">0 for any that is free.</param>
/// <param name="Remote">On the pod's localhost.</param>
internal sealed record PortSpec(int Local, int Remote)
{
    /// <summary>Reads "8080:80", "80" for the same on both sides, or ":80" for any local one.</summary>
    /// <exception cref="CommandException">It is none of these.</exception>
    public static PortSpec Parse(string text)
    {
        var parts = text.Split(':');
        if (parts.Length == 1 && TryParse(parts[0], 1, out var both))
            return new PortSpec(both, both);
        if (parts.Length == 2 && TryParse(parts[1], 1, out var remote))
        {
            if (parts[0].Length == 0)
                return new PortSpec(0, remote);
            if (TryParse(parts[0], 0, out var local))
                return new PortSpec(local, remote);
        }
        throw CommandException.Usage($"'{text}' is no port; write LOCAL:REMOTE, REMOTE, or :REMOTE for any free local one.");
    }

    private static bool TryParse(string text, int least, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port >= least && port <= ushort.MaxValue;
}
