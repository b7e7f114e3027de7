using Gantry.Faults;
using Gantry.Images;
using Gantry.Images.Registry.Access;
using Gantry.Images.Registry.Hosts;
using Gantry.Images.Registry.Http;
using Xunit;

namespace Gantry.UnitTests.Images.Registry;

public sealed class CredentialSourcesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gantry-auth-").FullName;
    private readonly Dictionary<string, ConfiguredCredentials> _configured = [];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Find_RequestsOwn_WinsOverEverything()
    {
        _configured["registry.test"] = new ConfiguredCredentials("configured", "x", "", "", "");

        Assert.Equal("asked", (await FindAsync("registry.test/app", RegistryFixture.Password("asked")))!.Username);
        Assert.Equal("configured", (await FindAsync("registry.test/app"))!.Username);
    }

    [Theory]
    [InlineData("registry.test/team/app", "team")]
    [InlineData("registry.test/team/app/deep", "team-app")]
    [InlineData("registry.test/other", "host")]
    [InlineData("registry.test:5000/app", "port")]
    [InlineData("nginx", "hub")]
    [InlineData("old.test/app", "old")]
    [InlineData("nobody.test/app", null)]
    public async Task Find_AuthFile_TakesTheLongestPrefix(string image, string? user)
    {
        string Entry(string name) => $"{{\"auth\":\"{CredentialLeakTests.Base64(name + ":pass")}\"}}";
        Write($$"""
            {"auths":{"registry.test":{{Entry("host")}},"registry.test/team":{{Entry("team")}},"registry.test/team/app/deep":{{Entry("team-app")}},
              "registry.test:5000":{{Entry("port")}},"https://index.docker.io/v1/":{{Entry("hub")}},"https://old.test/v2/":{{Entry("old")}} } }
            """);

        Assert.Equal(user, (await FindAsync(image))?.Username);
    }

    [Fact]
    public async Task Find_IdentityToken_IsTaken()
    {
        Write("""{"auths":{"registry.test":{"identitytoken":"id"}}}""");

        Assert.Equal("id", (await FindAsync("registry.test/app"))!.IdentityToken);
    }

    [Fact]
    public async Task Find_PasswordFile_IsReadWithoutItsLineEnd()
    {
        File.WriteAllText($"{_folder}/password", "secret\n");
        _configured["registry.test"] = new ConfiguredCredentials("user", "", $"{_folder}/password", "", "");

        Assert.Equal("secret", (await FindAsync("registry.test/app"))!.Password);
    }

    [Fact]
    public async Task Find_Helper_GetsTheServerOnItsInputAndAnswersOnItsOutput()
    {
        Helper("good", """
            read server
            echo "{\"Username\":\"of-$server\",\"Secret\":\"from-helper\"}"
            """);
        Write("""{"credHelpers":{"registry.test":"good"}}""");

        var found = (await FindAsync("registry.test/app"))!;

        Assert.Equal(("of-registry.test", "from-helper"), (found.Username, found.Password));
        Assert.Equal("registry.test", Assert.IsType<RegistryCredentials>(found).Username[3..]);
    }

    [Theory]
    [InlineData("echo 'credentials not found in native keychain'; exit 1", null)]
    [InlineData("echo s3cret >&2; echo s3cret; exit 3", "exit code 3")]
    [InlineData("echo 's3cret is no json'", "something else")]
    public async Task Find_HelperThatHasNothingOrFails_IsClearAndTellsNoSecret(string script, string? problem)
    {
        Helper("odd", script);
        Write("""{"credsStore":"odd"}""");

        if (problem is null)
        {
            Assert.Null(await FindAsync("registry.test/app"));
            return;
        }
        var failure = await Assert.ThrowsAsync<WrongStateException>(() => FindAsync("registry.test/app"));
        Assert.Contains(problem, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", failure.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../../bin/sh")]
    [InlineData("missing")]
    [InlineData("")]
    public async Task Find_HelperThatMayNotOrCannotBeRun_IsRefused(string name)
    {
        Write($$$"""{"credHelpers":{"registry.test":"{{{name}}}"} }""");

        await Assert.ThrowsAsync<WrongStateException>(() => FindAsync("registry.test/app"));
    }

    [Theory]
    [InlineData("http://registry.test/", "http://proxy.test:1/")]
    [InlineData("https://registry.test/", "http://secure.test:2/")]
    [InlineData("https://sub.inside.test/", null)]
    [InlineData("https://inside.test/", null)]
    [InlineData("https://notinside.test/", "http://secure.test:2/")]
    [InlineData("https://only.sub.test/", null)]
    [InlineData("https://sub.test/", "http://secure.test:2/")]
    [InlineData("https://port.test:8443/", null)]
    [InlineData("https://port.test/", "http://secure.test:2/")]
    [InlineData("https://10.1.2.3/", null)]
    [InlineData("https://11.1.2.3/", "http://secure.test:2/")]
    [InlineData("https://192.0.2.1/", null)]
    [InlineData("https://127.0.0.1/", null)]
    [InlineData("https://localhost:5000/", null)]
    [InlineData("https://[fd00::5]/", null)]
    public void Proxy_FromTheEnvironment_IsReadAsTheKubeletReadsIt(string target, string? proxy)
    {
        var variables = new Dictionary<string, string>
        {
            ["HTTP_PROXY"] = "proxy.test:1",
            ["https_proxy"] = "http://user:pass@secure.test:2",
            ["NO_PROXY"] = "inside.test, .sub.test,port.test:8443,10.0.0.0/8,192.0.2.1,fd00::/8",
        };
        var environment = new EnvironmentProxy(name => variables.GetValueOrDefault(name));

        var found = environment.GetProxy(new Uri(target));

        Assert.Equal(proxy, found?.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped) is { } text ? text + "/" : null);
        Assert.Equal("user", environment.Credentials!.GetCredential(new Uri("http://secure.test:2"), "Basic")!.UserName);
    }

    [Fact]
    public void RateLimit_TooMuch_WaitsAsLongAsItIsTooMuch()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        var limit = new RateLimit(1000, time);

        Assert.Equal(TimeSpan.Zero, limit.Reserve(250));
        Assert.Equal(TimeSpan.FromSeconds(1), limit.Reserve(1000));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.FromSeconds(0.5), limit.Reserve(500));
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(TimeSpan.Zero, limit.Reserve(250));
        Assert.NotEqual(TimeSpan.Zero, limit.Reserve(1));
    }

    private async Task<RegistryCredentials?> FindAsync(string image, RegistryCredentials? ofRequest = null)
    {
        var reference = ImageReference.Parse(image);
        return await new CredentialSources(_configured, [$"{_folder}/auth.json"], [_folder]).FindAsync(RegistryHost.Own(reference.Registry), reference, ofRequest, CancellationToken.None);
    }

    private void Write(string json) => File.WriteAllText($"{_folder}/auth.json", json);

    private void Helper(string name, string script)
    {
        File.WriteAllText($"{_folder}/docker-credential-{name}", "#!/bin/sh\n" + script + "\n");
        File.SetUnixFileMode($"{_folder}/docker-credential-{name}", UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
    }
}
