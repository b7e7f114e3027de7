using System.CommandLine.Parsing;
using System.Globalization;

namespace Gantry.Cli.Options;

/// <summary>Durations as people write them to kubectl: 90, 90s, 1m30s, 500ms, 2h.</summary>
internal static class Duration
{
    public static TimeSpan? ParseOption(ArgumentResult result)
    {
        var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
        if (TryParse(text, out var duration))
            return duration;
        result.AddError($"'{text}' is no duration; write 30s, 2m or 1h30m.");
        return null;
    }

    /// <summary>Reads a sum of number-and-unit pairs; a number alone is seconds.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        if (text.Length == 0)
            return false;
        var seconds = 0.0;
        var at = 0;
        while (at < text.Length)
        {
            var end = at;
            while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] == '.'))
                end++;
            var unitEnd = end;
            while (unitEnd < text.Length && char.IsAsciiLetter(text[unitEnd]))
                unitEnd++;
            var isNumber = double.TryParse(text.AsSpan(at, end - at), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number);
            // Only a lone number may go without a unit: "1m30" is more likely a slip than ninety seconds.
            if (!isNumber || SecondsIn(text[end..unitEnd], lone: at == 0 && unitEnd == text.Length) is not { } unit)
                return false;
            seconds += number * unit;
            at = unitEnd;
        }
        if (seconds > TimeSpan.FromDays(3650).TotalSeconds)
            return false;
        duration = TimeSpan.FromSeconds(seconds);
        return true;
    }

    public static string Show(TimeSpan duration) => duration.TotalSeconds < 120
        ? string.Create(CultureInfo.InvariantCulture, $"{duration.TotalSeconds:0.###}s")
        : string.Create(CultureInfo.InvariantCulture, $"{duration.TotalMinutes:0.#}m");

    private static double? SecondsIn(string unit, bool lone) => unit switch
    {
        "ms" => 0.001,
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        "" when lone => 1,
        _ => null,
    };
}
