using System.Net.Http.Headers;
using System.Text.RegularExpressions;

namespace Gantry.Images.Registry.Access;

/// <summary>A registry's demand for a bearer token (distribution specification, "token authentication").</summary>
/// <param name="Realm">Where to fetch one; null where the challenge names no address.</param>
internal sealed partial record BearerChallenge(Uri? Realm, string Service, string Scope)
{
    private const int MostText = 16 << 10;

    /// <summary>The first bearer challenge, or null.</summary>
    public static BearerChallenge? Of(IEnumerable<AuthenticationHeaderValue> challenges)
    {
        var bearer = challenges.FirstOrDefault(challenge => challenge.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase));
        if (bearer is null)
            return null;
        var values = Parse(bearer.Parameter ?? "");
        var realm = Uri.TryCreate(values.GetValueOrDefault("realm"), UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.Host.Length > 0 ? uri : null;
        return new BearerChallenge(realm, values.GetValueOrDefault("service", ""), values.GetValueOrDefault("scope", ""));
    }

    /// <summary>The parameters of a challenge (RFC 9110, section 11.2); of equal names the first counts.</summary>
    internal static Dictionary<string, string> Parse(string parameters)
    {
        var values = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        if (parameters.Length > MostText)
            return values;
        foreach (var match in Parameter().EnumerateMatches(parameters))
        {
            var text = parameters.AsSpan(match.Index, match.Length);
            var equals = text.IndexOf('=');
            var value = text[(equals + 1)..].Trim();
            if (value.Length >= 2 && value[0] == '"')
                value = value[1..^1];
            values.TryAdd(text[..equals].Trim().ToString(), value.ToString().Replace("\\\"", "\"", StringComparison.Ordinal));
        }
        return values;
    }

    [GeneratedRegex("""[A-Za-z_]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s,"]+)""")]
    private static partial Regex Parameter();
}
