using System.Globalization;

namespace Gantry.Pods.Local;

/// <summary>Quantities as Kubernetes writes them: a decimal number and a suffix, "m", "k", "Mi" and so on.</summary>
internal static class Quantity
{
    private static readonly Dictionary<string, decimal> _suffixes = new(StringComparer.Ordinal)
    {
        [""] = 1,
        ["m"] = 0.001m,
        ["k"] = 1000,
        ["M"] = 1000_000,
        ["G"] = 1000_000_000,
        ["T"] = 1000_000_000_000,
        ["Ki"] = 1L << 10,
        ["Mi"] = 1L << 20,
        ["Gi"] = 1L << 30,
        ["Ti"] = 1L << 40,
    };

    /// <summary>The quantity in thousandths, rounded up.</summary>
    public static bool TryParseMilli(string text, out long milli)
    {
        milli = 0;
        var end = text.AsSpan().IndexOfAnyExcept("0123456789.");
        var number = end < 0 ? text : text[..end];
        var suffix = end < 0 ? "" : text[end..];
        if (!_suffixes.TryGetValue(suffix, out var factor)
            || !decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
            || value > 1_000_000_000_000m)
        {
            return false;
        }
        var result = decimal.Ceiling(value * factor * 1000);
        if (result > long.MaxValue)
            return false;
        milli = (long)result;
        return true;
    }
}
