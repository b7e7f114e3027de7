using System.Text;

namespace Gantry.Monitor.Contract;

/// <summary>
/// The text that daemon and monitor exchange in files: lines of key=value, newlines and backslashes in values escaped.
/// Small enough for a program without a JSON reader, and readable with cat.
/// </summary>
internal static class KeyValueText
{
    public static Dictionary<string, string> Parse(string text)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in text.Split('\n'))
        {
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
                values[line[..equals]] = Unescape(line[(equals + 1)..]);
        }
        return values;
    }

    public static void Append(StringBuilder text, string key, string value) =>
        text.Append(key).Append('=').Append(value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)).Append('\n');

    private static string Unescape(string value)
    {
        if (!value.Contains('\\', StringComparison.Ordinal))
            return value;
        var text = new StringBuilder(value.Length);
        for (var n = 0; n < value.Length; n++)
        {
            if (value[n] != '\\' || n + 1 == value.Length)
                text.Append(value[n]);
            else
                text.Append(value[++n] == 'n' ? '\n' : value[n]);
        }
        return text.ToString();
    }
}
