using System.Globalization;

namespace Gantry.Networking;

/// <summary>Bits a second as Kubernetes' bandwidth annotations give them: "10M", "1Gi", "500k".</summary>
internal static class BitRate
{
    private static readonly Dictionary<string, long> _suffixes = new(StringComparer.Ordinal)
    {
        [""] = 1,
        ["k"] = 1000,
        ["M"] = 1000_000,
        ["G"] = 1000_000_000,
        ["Ki"] = 1L << 10,
        ["Mi"] = 1L << 20,
        ["Gi"] = 1L << 30,
    };

    public static bool TryParse(string text, out long bits)
    {
        bits = 0;
        var end = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        var number = end < 0 ? text : text[..end];
        if (!_suffixes.TryGetValue(end < 0 ? "" : text[end..], out var factor)
            || !long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            || value > long.MaxValue / factor)
        {
            return false;
        }
        bits = value * factor;
        return bits > 0;
    }
}
