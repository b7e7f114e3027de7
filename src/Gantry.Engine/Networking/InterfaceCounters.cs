using System.Buffers.Text;
using System.Text;

namespace Gantry.Networking;

/// <summary>What went through one network interface since it was made: bytes, packets, and those that failed.</summary>
public sealed record InterfaceCounters(string Name)
{
    public ulong ReceivedBytes { get; init; }

    public ulong ReceivedPackets { get; init; }

    public ulong ReceiveErrors { get; init; }

    /// <summary>Packets for which there was no room.</summary>
    public ulong ReceiveDrops { get; init; }

    public ulong SentBytes { get; init; }

    public ulong SentPackets { get; init; }

    public ulong SendErrors { get; init; }

    public ulong SendDrops { get; init; }

    /// <summary>The interfaces of a /proc/net/dev (proc(5)) but the loopback; lines of another form are left out.</summary>
    public static IReadOnlyList<InterfaceCounters> Parse(ReadOnlySpan<byte> text)
    {
        var found = new List<InterfaceCounters>();
        while (!text.IsEmpty)
        {
            var end = text.IndexOf((byte)'\n');
            var line = end < 0 ? text : text[..end];
            text = end < 0 ? [] : text[(end + 1)..];
            if (TryParseLine(line) is { Name: not "lo" } counters)
                found.Add(counters);
        }
        return found;
    }

    private static InterfaceCounters? TryParseLine(ReadOnlySpan<byte> line)
    {
        // A name may hold a colon itself ("eth0:1"), its numbers none.
        var colon = line.LastIndexOf((byte)':');
        if (colon < 0)
            return null;
        Span<ulong> numbers = stackalloc ulong[16];
        var rest = line[(colon + 1)..];
        foreach (ref var number in numbers)
        {
            rest = rest.TrimStart((byte)' ');
            if (!Utf8Parser.TryParse(rest, out number, out var length))
                return null;
            rest = rest[length..];
        }
        return new InterfaceCounters(Encoding.UTF8.GetString(line[..colon].Trim((byte)' ')))
        {
            ReceivedBytes = numbers[0],
            ReceivedPackets = numbers[1],
            ReceiveErrors = numbers[2],
            ReceiveDrops = numbers[3],
            SentBytes = numbers[8],
            SentPackets = numbers[9],
            SendErrors = numbers[10],
            SendDrops = numbers[11],
        };
    }
}
