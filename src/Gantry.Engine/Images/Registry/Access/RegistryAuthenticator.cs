using System.Net.Http.Headers;
using System.Text.Json;
using Gantry.Faults;
using Gantry.Images.Registry.Hosts;
using Gantry.Images.Registry.Http;

namespace Gantry.Images.Registry.Access;

/// <summary>
/// Answers a registry's 401: basic, or a bearer token fetched from the realm that it names. The realm is chosen by the
/// server, and so is trusted with little: plain http only where the registry itself is on plain http, a password only over
/// https or there, and an identity token only on the registry's own host or the one that the configuration names for it.
/// </summary>
/// <param name="tokenHosts">By a registry's host, the host of its token server; Docker Hub's is known.</param>
public sealed class RegistryAuthenticator(RegistryTransport transport, IReadOnlyDictionary<string, string> tokenHosts, TimeProvider time)
{
    private const int TokenLimit = 1 << 20;
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(30);
    private readonly TokenCache _tokens = new(time);

    /// <summary>What to send at first: a token of an earlier answer that still holds, or nothing.</summary>
    internal AuthenticationHeaderValue? Cached(RegistryHost host, string scope, RegistryCredentials? credentials)
    {
        if (credentials is { RegistryToken.Length: > 0 })
            return Bearer(credentials.RegistryToken);
        return _tokens.Find(host.Text, scope, Fingerprint(credentials)) is { } token ? Bearer(token) : null;
    }

    /// <summary>What to send after a 401; null where nothing can be, and the refusal stands.</summary>
    /// <exception cref="RegistryRefusedException">The token's server refused, or may not be asked.</exception>
    internal async Task<AuthenticationHeaderValue?> AnswerAsync(
        RegistryHost host, IReadOnlyList<AuthenticationHeaderValue> challenges, string scope, RegistryCredentials? credentials, CancellationToken cancel)
    {
        // The one that was sent did not do.
        _tokens.Forget(host.Text, scope, Fingerprint(credentials));
        if (credentials is { RegistryToken.Length: > 0 })
            return null;
        if (BearerChallenge.Of(challenges) is { } challenge)
            return Bearer(await FetchAsync(host, challenge, scope, credentials, cancel));
        var isBasic = challenges.Any(one => one.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase));
        return isBasic && credentials is { Username.Length: > 0 } ? Basic(credentials) : null;
    }

    private static string Fingerprint(RegistryCredentials? credentials) => credentials?.Fingerprint ?? "";

    private static AuthenticationHeaderValue Bearer(string token) => new("Bearer", token);

    private static AuthenticationHeaderValue Basic(RegistryCredentials credentials) =>
        new("Basic", credentials.Basic);

    private async Task<string> FetchAsync(RegistryHost host, BearerChallenge challenge, string scope, RegistryCredentials? credentials, CancellationToken cancel)
    {
        var realm = challenge.Realm ?? throw new RegistryRefusedException($"{host.Text} asks for a token, and names no valid place to get one");
        Check(host, realm, credentials);
        // The scope is what was asked for, whatever the challenge says: a server cannot make this node fetch more than it wants.
        using var request = Request(realm, challenge.Service, scope, credentials);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(_deadline);
        try
        {
            var client = transport.Client(host, isGuarded: realm.Host != host.Url.Host && !await transport.IsInternalAsync(host.Url, deadline.Token));
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
            if (!response.IsSuccessStatusCode)
                throw Refused(realm, (int)response.StatusCode, credentials);
            var body = await HttpBody.ReadUpToAsync(response, TokenLimit + 1, deadline.Token);
            return Keep(host, scope, credentials, body, realm.Host);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new RegistryUnavailableException($"{realm.Host} did not answer the request for a token of {host.Text} within {_deadline.TotalSeconds:0} s");
        }
        catch (Exception e) when (e is HttpRequestException or IOException && !cancel.IsCancellationRequested)
        {
            throw new RegistryUnavailableException($"{realm.Host} could not be asked for a token of {host.Text}: {HttpProblem.Describe(e)}", e);
        }
    }

    private void Check(RegistryHost host, Uri realm, RegistryCredentials? credentials)
    {
        if (realm.UserInfo.Length > 0)
            throw new RegistryRefusedException($"{host.Text} asks for a token from an address with credentials in it: that is refused");
        if (realm.Scheme == Uri.UriSchemeHttp && !host.IsPlain)
            throw new RegistryRefusedException($"{host.Text} asks for a token from http://{realm.Host}, without TLS: that is refused");
        if (credentials is null || realm.Host == host.Url.Host || IsTokenHost(host, realm))
            return;
        if (realm.Scheme != Uri.UriSchemeHttps)
            throw new RegistryRefusedException($"{host.Text} asks for a password at http://{realm.Host}, another host without TLS: that is refused");
        if (credentials.IdentityToken.Length > 0)
        {
            throw new RegistryRefusedException($"{host.Text} asks for its identity token at {realm.Host}, another host: "
                + $"if that is its token server, say so in the configuration: [registry.token_hosts] \"{host.Name}\" = \"{realm.Host}\"");
        }
    }

    private bool IsTokenHost(RegistryHost host, Uri realm) =>
        (host.Name == "registry-1.docker.io" && realm is { Scheme: "https", Host: "auth.docker.io" })
        || (tokenHosts.TryGetValue(host.Name, out var configured) && configured == realm.Host);

    private static RegistryRefusedException Refused(Uri realm, int code, RegistryCredentials? credentials) =>
        new($"unauthorized: {realm.Host} answered {code} to the request for a token with {credentials?.ToString() ?? "no credentials"}; check the image pull secret and whether the image exists");

    private static HttpRequestMessage Request(Uri realm, string service, string scope, RegistryCredentials? credentials)
    {
        HttpRequestMessage request;
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
            request = new HttpRequestMessage(HttpMethod.Post, realm) { Content = new FormUrlEncodedContent(form) };
        }
        else
        {
            var query = $"{realm.Query}{(realm.Query.Length > 0 ? "&" : "?")}service={Uri.EscapeDataString(service)}&scope={Uri.EscapeDataString(scope)}";
            request = new HttpRequestMessage(HttpMethod.Get, new Uri(realm, realm.AbsolutePath + query));
            if (credentials is { Username.Length: > 0 })
                request.Headers.Authorization = Basic(credentials);
        }
        request.Version = System.Net.HttpVersion.Version11;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        return request;
    }

    private string Keep(RegistryHost host, string scope, RegistryCredentials? credentials, byte[] body, string server)
    {
        if (body.Length > TokenLimit)
            throw new RegistryRefusedException($"{server} sent more than {TokenLimit >> 20} MiB where a token was expected");
        try
        {
            using var json = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 16 });
            var root = json.RootElement;
            var token = Text(root, "token") is { Length: > 0 } found ? found : Text(root, "access_token");
            // Anything else than the characters of RFC 6750 could end the header and begin another.
            if (token.Length == 0 || token.Any(c => c is <= ' ' or > '~'))
                throw new RegistryRefusedException($"{server} sent no token that can be used");
            var seconds = root.TryGetProperty("expires_in", out var lifetime) && lifetime.ValueKind is JsonValueKind.Number && lifetime.TryGetDouble(out var given) ? given : 60;
            _tokens.Keep(host.Text, scope, Fingerprint(credentials), token, seconds);
            return token;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Without the cause: its message could quote the body.
            throw new RegistryRefusedException($"{server} sent no JSON where a token was expected");
        }
    }

    private static string Text(JsonElement item, string name) =>
        item.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString()! : "";
}
