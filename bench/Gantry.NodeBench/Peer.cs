using System.Globalization;
using Gantry.Conformance;

namespace Gantry.NodeBench;

/// <summary>A CRI server to measure, as NAME=SOCKET[,PID] on the command line.</summary>
/// <param name="Name">For the tables.</param>
/// <param name="Socket">Where it listens.</param>
/// <param name="Pid">Of its daemon; 0 where memory is not asked for.</param>
public sealed record Peer(string Name, CriConnection Cri, string Socket, int Pid) : IDisposable
{
    public static Peer Parse(string text)
    {
        var name = text[..text.IndexOf('=', StringComparison.Ordinal)];
        var rest = text[(name.Length + 1)..].Split(',');
        return new Peer(name, new CriConnection(rest[0]), rest[0], rest.Length > 1 ? int.Parse(rest[1], CultureInfo.InvariantCulture) : 0);
    }

    public void Dispose() => Cri.Dispose();
}
