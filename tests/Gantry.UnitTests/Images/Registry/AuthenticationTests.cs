using Gantry.Faults;
using Gantry.Images.Registry.Access;
using Gantry.UnitTests.Fakes;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Gantry.UnitTests.Images.Registry;

/// <summary>F24 and S13: tokens, their life, and what happens where they do not help.</summary>
public sealed class AuthenticationTests : IDisposable
{
    private readonly SkippingTime _time = new();
    private readonly RegistryFixture _node;

    public AuthenticationTests() => _node = new RegistryFixture(_time);

    public void Dispose() => _node.Dispose();

    [Fact]
    public async Task Resolve_BearerChallenge_FetchesATokenForTheRepositoryAndUsesIt()
    {
        await using var registry = await StartAsync();

        await _node.ResolveAsync(registry, credentials: RegistryFixture.Password());

        var asked = Assert.Single(registry.SeenOf("/token"));
        Assert.Contains("scope=repository%3Ateam%2Fapp%3Apull", asked.Query, StringComparison.Ordinal);
        Assert.Contains("service=the%20service", asked.Query, StringComparison.Ordinal);
        Assert.StartsWith("Basic ", asked.Authorization, StringComparison.Ordinal);
        Assert.Equal("Bearer token-1", registry.Seen[^1].Authorization);
    }

    [Theory]
    [InlineData("""{"token":"t","expires_in":100}""", 89, 1)]
    [InlineData("""{"token":"t","expires_in":100}""", 91, 2)]
    [InlineData("""{"token":"t"}""", 53, 1)]
    [InlineData("""{"token":"t"}""", 55, 2)]
    [InlineData("""{"token":"t","expires_in":1000000000000}""", 3599, 1)]
    [InlineData("""{"token":"t","expires_in":1000000000000}""", 3601, 2)]
    [InlineData("""{"token":"t","expires_in":0}""", 0, 2)]
    [InlineData("""{"token":"t","expires_in":-1}""", 0, 2)]
    public async Task F24_TokensLife_IsKeptAndCapped(string answer, int secondsLater, int fetches)
    {
        await using var registry = await StartAsync(_ => answer);
        var client = _node.Client();

        await _node.ResolveAsync(registry, client: client);
        _time.Advance(TimeSpan.FromSeconds(secondsLater));
        await _node.ResolveAsync(registry, client: client);

        Assert.Equal(fetches, registry.SeenOf("/token").Count());
    }

    [Fact]
    public async Task S13_TokenOfOnePod_IsNotUsedForAnother()
    {
        await using var registry = await StartAsync();
        var client = _node.Client();

        await _node.ResolveAsync(registry, credentials: RegistryFixture.Password("one"), client: client);
        await _node.ResolveAsync(registry, credentials: RegistryFixture.Password("two"), client: client);
        await _node.ResolveAsync(registry, client: client);

        Assert.Equal(3, registry.SeenOf("/token").Select(request => request.Authorization).Distinct().Count());
    }

    [Fact]
    public async Task F24_TokenThatIsNeverAccepted_EndsAfterTwoRounds()
    {
        await using var registry = await StartAsync();
        registry.Answer = async context =>
        {
            if (context.Request.Path == "/token")
                await FakeRegistry.JsonAsync(context, 200, """{"token":"useless"}""");
            else
                await ChallengeAsync(context, registry);
            return true;
        };

        var failure = await Assert.ThrowsAsync<RegistryRefusedException>(() => _node.ResolveAsync(registry));

        Assert.Contains("unauthorized", failure.Message, StringComparison.Ordinal);
        Assert.InRange(registry.SeenOf("/token").Count(), 1, 2);
    }

    [Fact]
    public async Task F24_OldTokenIsRefused_ANewOneIsFetched()
    {
        await using var registry = await StartAsync(n => $$"""{"token":"token-{{n}}","expires_in":3000}""");
        var client = _node.Client();
        await _node.ResolveAsync(registry, client: client);
        var serve = registry.Answer!;
        registry.Answer = async context =>
        {
            if (context.Request.Headers.Authorization != "Bearer token-1")
                return await serve(context);
            await ChallengeAsync(context, registry);
            return true;
        };

        await _node.ResolveAsync(registry, client: client);

        Assert.Equal("Bearer token-2", registry.Seen[^1].Authorization);
    }

    [Theory]
    [InlineData(500, "{}")]
    [InlineData(401, "{}")]
    [InlineData(200, "not json: s3cret-pass")]
    [InlineData(200, "[]")]
    [InlineData(200, """{"token":""}""")]
    [InlineData(200, """{"token":"a\r\nX-Evil: 1"}""")]
    [InlineData(200, """{"token":5}""")]
    public async Task F24_TokenServerThatFails_IsAClearErrorWithoutSecrets(int status, string body)
    {
        await using var registry = await StartAsync();
        registry.Answer = async context =>
        {
            if (context.Request.Path == "/token")
                await FakeRegistry.JsonAsync(context, status, body);
            else
                await ChallengeAsync(context, registry);
            return true;
        };

        var failure = await Assert.ThrowsAsync<RegistryRefusedException>(() => _node.ResolveAsync(registry, credentials: RegistryFixture.Password()));

        Assert.DoesNotContain("s3cret-pass", failure + _node.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task S10_TokenOfTenGiB_IsReadToALimit()
    {
        await using var registry = await StartAsync();
        var sent = 0L;
        registry.Answer = async context =>
        {
            if (context.Request.Path != "/token")
            {
                await ChallengeAsync(context, registry);
                return true;
            }
            sent = await FakeRegistry.SendWithoutEndAsync(context);
            return true;
        };

        await Assert.ThrowsAsync<RegistryRefusedException>(() => _node.ResolveAsync(registry));

        Assert.InRange(sent, 0, 32 << 20);
    }

    [Fact]
    public async Task Resolve_RegistryToken_IsShownAsItIsAndNothingElse()
    {
        await using var registry = await StartAsync();
        var credentials = RegistryCredentials.From("", "", "", "", "token-0");
        registry.Answer = context => context.Request.Headers.Authorization == "Bearer token-0" ? Task.FromResult(false) : CredentialLeakTests.Answered(ChallengeAsync(context, registry));

        await _node.ResolveAsync(registry, credentials: credentials);

        Assert.Single(registry.Seen);
    }

    [Fact]
    public void From_AuthThatIsNoBase64_SaysNothingOfIt()
    {
        var failure = Assert.Throws<InvalidRequestException>(() => RegistryCredentials.From("", "", "hunter2 is no base64!", "", ""));

        Assert.DoesNotContain("hunter2", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ToString_OfCredentials_HoldsNoSecret()
    {
        var all = new RegistryCredentials("user", "pa55", "id-t0ken", "reg-t0ken", "a test");

        Assert.Equal("user user", $"{all}");
        Assert.Equal("user 'user'", $"{new ConfiguredCredentials("user", "pa55", "", "id-t0ken", "")}");
    }

    private async Task<FakeRegistry> StartAsync(Func<int, string>? token = null)
    {
        var registry = await FakeRegistry.StartAsync();
        registry.AddManifest("team/app", "1", RegistryFixture.Manifest());
        _node.Own(registry);
        var count = 0;
        registry.Answer = async context =>
        {
            if (context.Request.Path == "/token")
            {
                count++;
                await FakeRegistry.JsonAsync(context, 200, token?.Invoke(count) ?? $$"""{"token":"token-{{count}}"}""");
                return true;
            }
            if (context.Request.Headers.Authorization.ToString().StartsWith("Bearer ", StringComparison.Ordinal))
                return false;
            await ChallengeAsync(context, registry);
            return true;
        };
        return registry;
    }

    private static Task ChallengeAsync(HttpContext context, FakeRegistry registry)
    {
        context.Response.Headers.WWWAuthenticate = $"Bearer realm=\"{registry.Url}/token\", service=\"the service\", scope=\"repository:other/secret:pull,push\"";
        return FakeRegistry.JsonAsync(context, 401, """{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}""");
    }
}
