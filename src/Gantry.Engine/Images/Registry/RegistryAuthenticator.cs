using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Gantry.Faults;

namespace Gantry.Images.Registry;

/// <summary>
/// Answers a registry's 401: basic, or a bearer token fetched from the realm that it names. A realm on plain http is used
/// only by a registry that is on plain http itself, and one on another site is shown a password only over https.
/// </summary>
public sealed partial class RegistryAuthenticator(TimeProvider time)
{
    private const int TokenLimit = 1 << 20;
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(30);
    private readonly ConcurrentDictionary<(string Host, string Scope, RegistryCredentials? Credentials), (string Token, DateTimeOffset Until)> _tokens = [];

    /// <summary>A token of an earlier answer that still holds.</summary>
    public AuthenticationHeaderValue? Cached(RegistryHost host, string scope, RegistryCredentials? credentials)
    {
        if (credentials is { RegistryToken.Length: > 0 })
            return new AuthenticationHeaderValue("Bearer", credentials.RegistryToken);
        return _tokens.TryGetValue((host.Url, scope, credentials), out var found) && found.Until > time.GetUtcNow()
            ? new AuthenticationHeaderValue("Bearer", found.Token)
            : null;
    }

    /// <summary>What to send instead; null where nothing can be, and the refusal stands.</summary>
    /// <exception cref="RegistryRefusedException">The token's server refused.</exception>
    public async Task<AuthenticationHeaderValue?> AnswerAsync(
        HttpClient client, RegistryHost host, IReadOnlyList<AuthenticationHeaderValue> challenges, string scope, RegistryCredentials? credentials, CancellationToken cancel)
    {
        var bearer = challenges.FirstOrDefault(challenge => challenge.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase));
        if (bearer is not null)
            return new AuthenticationHeaderValue("Bearer", await FetchAsync(client, host, Parse(bearer.Parameter ?? ""), scope, credentials, cancel));
        var isBasic = challenges.Any(challenge => challenge.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase));
        return isBasic && credentials is { Username.Length: > 0 } ? Basic(credentials) : null;
    }

    /// <summary>The parameters of a challenge (RFC 9110, section 11.2).</summary>
    internal static Dictionary<string, string> Parse(string parameters)
    {
        var values = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (Match match in Parameter().Matches(parameters))
            values[match.Groups[1].Value] = match.Groups[2].Success ? match.Groups[2].Value.Replace("\\\"", "\"", StringComparison.Ordinal) : match.Groups[3].Value;
        return values;
    }

    private static AuthenticationHeaderValue Basic(RegistryCredentials credentials) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{credentials.Username}:{credentials.Password}")));

    private async Task<string> FetchAsync(
        HttpClient client, RegistryHost host, Dictionary<string, string> challenge, string scope, RegistryCredentials? credentials, CancellationToken cancel)
    {
        if (!challenge.TryGetValue("realm", out var text) || !Uri.TryCreate(text, UriKind.Absolute, out var realm) || realm.Scheme is not ("http" or "https"))
            throw new RegistryRefusedException($"{host.Url} asks for a token, and names no valid place to get one");
        if (realm.Scheme == "http" && !host.Url.StartsWith("http://", StringComparison.Ordinal))
            throw new RegistryRefusedException($"{host.Url} asks for a token from http://{realm.Host}, without TLS: that is refused");
        using var request = Request(realm, challenge, scope, credentials);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(_deadline);
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
        if (!response.IsSuccessStatusCode)
            throw new RegistryRefusedException($"{realm.Host} answered {(int)response.StatusCode} to the request for a token with {credentials?.ToString() ?? "no credentials"}");
        await using var body = await response.Content.ReadAsStreamAsync(deadline.Token);
        return Keep(host, scope, credentials, await ReadAsync(body, deadline.Token), realm.Host);
    }

    private static HttpRequestMessage Request(Uri realm, Dictionary<string, string> challenge, string scope, RegistryCredentials? credentials)
    {
        var service = challenge.GetValueOrDefault("service", "");
        if (credentials is { IdentityToken.Length: > 0 })
        {
            var form = new Dictionary<string, string>
            {
                ["grant_type"] = "refresh_token",
                ["service"] = service,
                ["client_id"] = "gantry",
                ["scope"] = scope,
                ["refresh_token"] = credentials.IdentityToken,
            };
            return new HttpRequestMessage(HttpMethod.Post, realm) { Content = new FormUrlEncodedContent(form) };
        }
        var query = $"{realm.Query}{(realm.Query.Length > 0 ? "&" : "?")}service={Uri.EscapeDataString(service)}&scope={Uri.EscapeDataString(scope)}";
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(realm, realm.AbsolutePath + query));
        if (credentials is { Username.Length: > 0 })
            request.Headers.Authorization = Basic(credentials);
        return request;
    }

    private static async Task<byte[]> ReadAsync(Stream body, CancellationToken cancel)
    {
        var content = new MemoryStream();
        var buffer = new byte[8 << 10];
        int count;
        while ((count = await body.ReadAsync(buffer, cancel)) > 0)
        {
            content.Write(buffer, 0, count);
            if (content.Length > TokenLimit)
                throw new RegistryRefusedException("a token's server sent more than 1 MiB");
        }
        return content.ToArray();
    }

    private string Keep(RegistryHost host, string scope, RegistryCredentials? credentials, byte[] body, string server)
    {
        try
        {
            using var json = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 16 });
            var root = json.RootElement;
            var token = root.TryGetProperty("token", out var value) || root.TryGetProperty("access_token", out value) ? value.GetString() ?? "" : "";
            if (token.Length == 0)
                throw new RegistryRefusedException($"{server} sent no token");
            var seconds = root.TryGetProperty("expires_in", out var lifetime) && lifetime.TryGetInt32(out var given) ? Math.Clamp(given, 0, 3600) : 60;
            _tokens[(host.Url, scope, credentials)] = (token, time.GetUtcNow() + TimeSpan.FromSeconds(seconds * 0.9));
            return token;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new RegistryRefusedException($"{server} sent a token that is no JSON", e);
        }
    }

    [GeneratedRegex("([A-Za-z_]+)\\s*=\\s*(?:\"((?:[^\"\\\\]|\\\\.)*)\"|([^\\s,\"]+))")]
    private static partial Regex Parameter();
}
