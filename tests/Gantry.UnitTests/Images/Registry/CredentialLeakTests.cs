using System.Net;
using System.Text;
using Gantry.Faults;
using Gantry.Images.Registry.Access;
using Gantry.Images.Registry.Hosts;
using Gantry.UnitTests.Fakes;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Gantry.UnitTests.Images.Registry;

/// <summary>S01 to S06, S14, S17 and F26: no credential reaches anyone but whom it is for.</summary>
public sealed class CredentialLeakTests : IDisposable
{
    private readonly RegistryFixture _node = new();

    public void Dispose() => _node.Dispose();

    [Theory]
    [InlineData(307)]
    [InlineData(302)]
    public async Task S02_RedirectToAnotherHost_CarriesNoCredential(int status)
    {
        await using var registry = await _node.StartTlsAsync();
        await using var storage = await _node.StartTlsAsync("storage.test");
        storage.Answer = context => Answered(context.Response.WriteAsync("bytes"));
        RequireBasic(registry, context => Redirect(context, status, $"{storage.Url}/bucket/x?X-Amz-Signature=signed"));
        _node.Own(registry, "[header]\n\"x-team-key\" = \"header-secret\"\n");
        _node.Addresses["storage.test"] = IPAddress.Loopback;

        var bytes = await _node.ReadBlobAsync(registry, Gantry.Identity.Digest.Compute([1]), 5, RegistryFixture.Password());

        Assert.Equal("bytes", Encoding.ASCII.GetString(bytes));
        var seen = Assert.Single(storage.Seen);
        Assert.Empty(seen.Authorization);
        Assert.DoesNotContain(seen.Headers, header => header.Key.Equals("cookie", StringComparison.OrdinalIgnoreCase) || header.Value.Contains("secret", StringComparison.Ordinal));
        Assert.Contains(registry.Seen, request => request.Headers.GetValueOrDefault("x-team-key") == "header-secret");
    }

    [Theory]
    [InlineData("http://storage.test/x", "without TLS is refused")]
    [InlineData("file:///etc/shadow", "no web address")]
    [InlineData("unix:///run/gantry/gantry.sock", "no web address")]
    [InlineData("https://user:pw@storage.test/x", "credentials in the address")]
    public async Task S02_F26_RedirectToWhereNobodyMaySendUs_IsRefused(string target, string reason)
    {
        _ = reason;
        await using var registry = await _node.StartTlsAsync();
        registry.Answer = context => Redirect(context, 307, target);
        _node.Own(registry);

        var failure = await Assert.ThrowsAsync<RegistryRefusedException>(() => _node.ResolveAsync(registry));

        Assert.Contains("refused", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("pw", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("169.254.169.254")]
    [InlineData("0.0.0.0")]
    [InlineData("[::1]")]
    public async Task S02_RemoteRegistryRedirectsToThisNode_IsRefused(string inside)
    {
        await using var registry = await FakeRegistry.StartAsync(host: "registry.test");
        registry.Answer = context => Redirect(context, 307, $"http://{inside}:{registry.Port}/latest/meta-data");
        _node.Own(registry);
        var calls = 0;
        var transport = new Gantry.Images.Registry.Http.RegistryTransport(null, (host, _) => Task.FromResult<IPAddress[]>(
            // Resolved when it is connected to, and again when the redirect asks whether it is inside: then it is not.
            [host == "registry.test" && Interlocked.Increment(ref calls) > 1 ? IPAddress.Parse("192.0.2.7") : IPAddress.Loopback]));
        var client = new Gantry.Images.Registry.RegistryClient(
            new HostRules([$"{_node.Folder}/certs.d"]), new CredentialSources(_node.Auth, [], []), new RegistryAuthenticator(transport, _node.TokenHosts, _node.Time),
            transport, _node.Limits, new Gantry.Images.Registry.RegistryContext(_node.Time, _node.Log));

        var failure = await Assert.ThrowsAsync<RegistryRefusedException>(() => _node.ResolveAsync(registry, client: client));

        Assert.Contains("may not send us", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(registry.Seen, request => request.Path.Contains("meta-data", StringComparison.Ordinal));
    }

    [Fact]
    public async Task F26_RedirectLoop_EndsAfterTen()
    {
        await using var registry = await FakeRegistry.StartAsync();
        registry.Answer = context => Redirect(context, 302, context.Request.Path + "x");
        _node.Own(registry);

        await Assert.ThrowsAsync<RegistryRefusedException>(() => _node.ResolveAsync(registry));

        Assert.InRange(registry.Seen.Count, 10, 11);
    }

    [Fact]
    public async Task S03_IdentityTokenAndForeignRealm_IsNotSent()
    {
        await using var registry = await _node.StartTlsAsync();
        await using var evil = await _node.StartTlsAsync("evil.test");
        Challenge(registry, $"{evil.Url}/token");
        _node.Own(registry);
        var credentials = RegistryCredentials.From("", "", "", "identity-s3cret", "");

        var failure = await Assert.ThrowsAsync<RegistryRefusedException>(() => _node.ResolveAsync(registry, credentials: credentials));

        Assert.Empty(evil.Seen);
        Assert.Contains("token_hosts", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("identity-s3cret", failure.ToString() + _node.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task S03_IdentityTokenAndConfiguredTokenServer_IsPosted()
    {
        await using var registry = await _node.StartTlsAsync();
        await using var tokens = await _node.StartTlsAsync("tokens.test");
        Challenge(registry, $"{tokens.Url}/token");
        tokens.Answer = context => Answered(FakeRegistry.JsonAsync(context, 200, """{"access_token":"granted"}"""));
        registry.AddManifest("team/app", "1", RegistryFixture.Manifest());
        _node.Own(registry).TokenHosts[registry.Host] = "tokens.test";

        await _node.ResolveAsync(registry, credentials: RegistryCredentials.From("", "", "", "identity-s3cret", ""));

        var seen = Assert.Single(tokens.Seen);
        Assert.Equal("POST", seen.Method);
        Assert.Contains("refresh_token=identity-s3cret", seen.Body, StringComparison.Ordinal);
        Assert.Contains("scope=repository%3Ateam%2Fapp%3Apull", seen.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task S04_RealmWithoutTls_GetsNotAByte()
    {
        await using var registry = await _node.StartTlsAsync();
        await using var plain = await FakeRegistry.StartAsync(host: "registry.test");
        Challenge(registry, $"{plain.Url}/token");
        _node.Own(registry);

        await Assert.ThrowsAsync<RegistryRefusedException>(() => _node.ResolveAsync(registry, credentials: RegistryFixture.Password()));

        Assert.Empty(plain.Seen);
    }

    [Fact]
    public async Task S05_CertificateNobodyKnows_IsNoReasonForHttp()
    {
        await using var registry = await _node.StartTlsAsync();

        var failure = await Assert.ThrowsAsync<RegistryUnavailableException>(() => _node.ResolveAsync(registry));

        Assert.Contains("TLS", failure.Message, StringComparison.Ordinal);
        Assert.Empty(registry.Seen);
    }

    [Fact]
    public async Task S05_ServerThatSpeaksNoTls_IsNotAskedInPlainText()
    {
        await using var plain = await FakeRegistry.StartAsync(host: "registry.test");

        await Assert.ThrowsAsync<RegistryUnavailableException>(() => _node.ResolveAsync(plain));

        Assert.Empty(plain.Seen);
    }

    [Fact]
    public async Task S06_BrokenAuthFile_NamesTheFileAndSendsNothing()
    {
        await using var registry = await FakeRegistry.StartAsync();
        _node.Own(registry);
        var file = $"{_node.Folder}/auth.json";
        var hub = Base64("hub:hub-pass");
        File.WriteAllText(file, "{\"auths\":{\"" + registry.Host + "\":{\"auth\":\"not base64: hunter2\"},\"https://index.docker.io/v1/\":{\"auth\":\"" + hub + "\"}}}");
        _node.AuthFiles.Add(file);

        var failure = await Assert.ThrowsAsync<WrongStateException>(() => _node.ResolveAsync(registry));

        Assert.Contains(file, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", failure + _node.Log.Text, StringComparison.Ordinal);
        Assert.Empty(registry.Seen);
    }

    [Fact]
    public async Task S06_AuthFileThatIsNoJson_SaysNothingOfItsContent()
    {
        await using var registry = await FakeRegistry.StartAsync();
        _node.Own(registry);
        File.WriteAllText($"{_node.Folder}/auth.json", """{"auths": "hunter2""");
        _node.AuthFiles.Add($"{_node.Folder}/auth.json");

        var failure = await Assert.ThrowsAsync<WrongStateException>(() => _node.ResolveAsync(registry));

        Assert.DoesNotContain("hunter2", failure + _node.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task S14_FailedPull_TellsNoSecretAnywhere()
    {
        await using var registry = await FakeRegistry.StartAsync();
        var auth = Base64("puller:s3cret-pass");
        registry.Answer = context => Answered(context.Request.Headers.Authorization.Count == 0
            ? ChallengeBasic(context)
            : FakeRegistry.JsonAsync(context, 403, $$"""{"errors":[{"code":"DENIED","message":"s3cret-pass may not read https://u:pw@store.test/x?X-Amz-Signature=abcdef, {{auth}}"}]}"""));
        _node.Own(registry);

        var failure = await Assert.ThrowsAsync<RegistryRefusedException>(() => _node.ResolveAsync(registry, credentials: RegistryFixture.Password()));

        var told = failure + _node.Log.Text;
        Assert.DoesNotContain("s3cret-pass", told, StringComparison.Ordinal);
        Assert.DoesNotContain("abcdef", told, StringComparison.Ordinal);
        Assert.DoesNotContain("u:pw", told, StringComparison.Ordinal);
        Assert.DoesNotContain(auth, told, StringComparison.Ordinal);
        Assert.Contains("DENIED", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task S17_Mirror_GetsItsOwnCredentialsAndNeverTheRequests()
    {
        await using var registry = await FakeRegistry.StartAsync();
        await using var mirror = await FakeRegistry.StartAsync(host: "mirror.test");
        mirror.AddManifest("team/app", "1", RegistryFixture.Manifest());
        RequireBasic(mirror, _ => Task.FromResult(false));
        _node.Own(registry, $"[host.\"{mirror.Url}\"]\n");
        _node.Auth[mirror.Host] = new ConfiguredCredentials("mirrored", "mirror-pass", "", "", "");

        await _node.ResolveAsync(registry, credentials: RegistryFixture.Password());

        Assert.Equal(["", $"Basic {Base64("mirrored:mirror-pass")}"], mirror.Seen.Select(request => request.Authorization));
        Assert.Empty(registry.Seen);
        Assert.All(mirror.Seen, request => Assert.Equal($"?ns={Uri.EscapeDataString(registry.Host)}", request.Query));
    }

    [Fact]
    public async Task S17_MirrorThatAsksForAPassword_GetsNone()
    {
        await using var registry = await FakeRegistry.StartAsync();
        await using var mirror = await FakeRegistry.StartAsync(host: "mirror.test");
        RequireBasic(mirror, _ => Task.FromResult(false));
        registry.AddManifest("team/app", "1", RegistryFixture.Manifest());
        _node.Own(registry, $"[host.\"{mirror.Url}\"]\n");

        await _node.ResolveAsync(registry, credentials: RegistryFixture.Password());

        Assert.All(mirror.Seen, request => Assert.Empty(request.Authorization));
    }

    internal static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    internal static async Task<bool> Answered(Task answer)
    {
        await answer;
        return true;
    }

    private static Task<bool> Redirect(HttpContext context, int status, string target)
    {
        context.Response.StatusCode = status;
        context.Response.Headers.Location = target;
        context.Response.Headers.SetCookie = "session=cookie-secret";
        return Task.FromResult(true);
    }

    private static Task ChallengeBasic(HttpContext context)
    {
        context.Response.Headers.WWWAuthenticate = "Basic realm=\"registry\"";
        return FakeRegistry.JsonAsync(context, 401, "{}");
    }

    private static void RequireBasic(FakeRegistry registry, Func<HttpContext, Task<bool>> then) =>
        registry.Answer = context => context.Request.Headers.Authorization.Count == 0 ? Answered(ChallengeBasic(context)) : then(context);

    private static void Challenge(FakeRegistry registry, string realm) => registry.Answer = context =>
    {
        if (context.Request.Headers.Authorization.Count > 0)
            return Task.FromResult(false);
        context.Response.Headers.WWWAuthenticate = $"Bearer realm=\"{realm}\",service=\"registry\"";
        return Answered(FakeRegistry.JsonAsync(context, 401, "{}"));
    };
}
