using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Gantry.Yaml;

/// <summary>
/// What a plain YAML scalar means: YAML 1.2's core schema (yaml.org/spec/1.2.2, 10.3.2), with one word of Kubernetes' own
/// reader kept: 0644 is octal. Read as 644 it would silently give a volume other permissions than kubectl does.
/// </summary>
public static partial class YamlScalar
{
    /// <summary>The JSON value of a plain scalar; null is JSON's null.</summary>
    /// <exception cref="FormatException">.inf and .nan, which JSON cannot say.</exception>
    public static JsonNode? ToJson(string text) => text switch
    {
        "" or "~" or "null" or "Null" or "NULL" => null,
        "true" or "True" or "TRUE" => JsonValue.Create(true),
        "false" or "False" or "FALSE" => JsonValue.Create(false),
        _ when Decimal().IsMatch(text) => Integer(text),
        _ when Octal().Match(text) is { Success: true } match => Radix(text, match, 8),
        _ when Hexadecimal().Match(text) is { Success: true } match => Radix(text, match, 16),
        _ when Float().IsMatch(text) => JsonValue.Create(Finite(text)),
        _ when NotFinite().IsMatch(text) => throw new FormatException($"'{text}' cannot be said in JSON; write a finite number, or quote it."),
        _ => JsonValue.Create(text),
    };

    /// <summary>Whether text written plain reads back as the same text, by 1.1 readers ("yes", "on") too.</summary>
    public static bool IsPlainText(string text) =>
        SafePlain().IsMatch(text) && !LooksTyped().IsMatch(text) && text is not "~";

    private static JsonNode Integer(string text)
    {
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            return JsonValue.Create(number);
        return decimal.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var large)
            ? JsonValue.Create(large)
            : JsonValue.Create(Finite(text));
    }

    private static JsonValue Radix(string text, Match match, int radix)
    {
        try
        {
            var value = Convert.ToInt64(match.Groups["digits"].Value, radix);
            return JsonValue.Create(text[0] == '-' ? -value : value);
        }
        catch (OverflowException)
        {
            throw new FormatException($"'{text}' does not fit 64 bits; quote it if it is text.");
        }
    }

    private static double Finite(string text)
    {
        var number = double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        return double.IsFinite(number) ? number : throw new FormatException($"'{text}' is too large a number.");
    }

    [GeneratedRegex(@"^[-+]?(0|[1-9][0-9]*)$", RegexOptions.CultureInvariant)]
    private static partial Regex Decimal();

    [GeneratedRegex(@"^[-+]?0o?(?<digits>[0-7]+)$", RegexOptions.CultureInvariant)]
    private static partial Regex Octal();

    [GeneratedRegex(@"^[-+]?0x(?<digits>[0-9a-fA-F]+)$", RegexOptions.CultureInvariant)]
    private static partial Regex Hexadecimal();

    [GeneratedRegex(@"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Float();

    [GeneratedRegex(@"^([-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN)$", RegexOptions.CultureInvariant)]
    private static partial Regex NotFinite();

    [GeneratedRegex(@"^[A-Za-z0-9_./][A-Za-z0-9_./:@+=-]*(?<!:)$", RegexOptions.CultureInvariant)]
    private static partial Regex SafePlain();

    [GeneratedRegex(@"^([0-9.+-].*|true|false|null|yes|no|on|off|y|n)$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex LooksTyped();
}
