using System.Globalization;
using System.Text;

namespace Gantry.Cli.Logs;

/// <summary>
/// One line of a CRI log file: "2026-11-23T10:00:00.000000000Z stdout F text". P instead of F marks a part of a line that was
/// longer than the runtime's buffer (kubernetes/design-proposals, kubelet-cri-logging).
/// </summary>
internal readonly ref struct LogLine
{
    public ReadOnlySpan<byte> Timestamp { get; private init; }

    public bool IsError { get; private init; }

    /// <summary>False for a part: the next line of the same stream goes on with it.</summary>
    public bool IsFull { get; private init; }

    public ReadOnlySpan<byte> Text { get; private init; }

    /// <param name="line">Without its line feed.</param>
    public static bool TryParse(ReadOnlySpan<byte> line, out LogLine parsed)
    {
        parsed = default;
        var timestamp = Word(ref line);
        var stream = Word(ref line);
        if (!(stream.SequenceEqual("stdout"u8) || stream.SequenceEqual("stderr"u8)) || timestamp.Length < 20)
            return false;
        // Tags are a list "F:more:..."; only the first has a meaning so far. The text after them may be empty.
        var end = line.IndexOf((byte)' ');
        var tags = end < 0 ? line : line[..end];
        var colon = tags.IndexOf((byte)':');
        var first = colon < 0 ? tags : tags[..colon];
        if (first.Length != 1 || first[0] is not ((byte)'F' or (byte)'P'))
            return false;
        parsed = new LogLine
        {
            Timestamp = timestamp,
            IsError = stream[3] == (byte)'e',
            IsFull = first[0] == (byte)'F',
            Text = end < 0 ? [] : line[(end + 1)..],
        };
        return true;
    }

    public DateTimeOffset? Time()
    {
        var text = Encoding.ASCII.GetString(Timestamp);
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;
    }

    private static ReadOnlySpan<byte> Word(scoped ref ReadOnlySpan<byte> line)
    {
        var space = line.IndexOf((byte)' ');
        if (space < 0)
            return [];
        var word = line[..space];
        line = line[(space + 1)..];
        return word;
    }
}
