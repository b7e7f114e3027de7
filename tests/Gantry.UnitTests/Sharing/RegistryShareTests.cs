using System.Net;
using System.Net.Sockets;
using Gantry.Configuration;
using Gantry.Images;
using Gantry.Sharing;
using Gantry.UnitTests.Images.Pulling;
using Xunit;

namespace Gantry.UnitTests.Sharing;

public sealed class RegistryShareTests
{
    [Fact]
    public async Task Share_SecondNodePullsFromTheFirst_AndTheRegistryIsNotAsked()
    {
        await using var first = await ImageFixture.StartAsync();
        await using var second = await ImageFixture.StartAsync();
        first.Serve("team/app", "1", ImageFixture.ThreeLayers());
        var image = await first.PullAsync();
        var asked = first.Registry.Seen.Count;
        var address = FreeAddress();
        await using var share = await ShareServer.StartAsync(new RegistryConfig { ShareListen = address }, first.Images);
        second.Net.Hosts(first.Registry.Host, $"server = \"{first.Registry.Url}\"\n[host.\"http://{address}\"]\n");

        var copy = await second.Puller.PullAsync(ImageReference.Parse(first.Name()), null, null, CancellationToken.None);

        Assert.Equal((image.Id, image.RepoDigests[0]), (copy.Id, copy.RepoDigests[0]));
        Assert.Equal(asked, first.Registry.Seen.Count);
    }

    [Fact]
    public async Task Share_AnswersOnlyForWhatBelongsToTheNameThatIsAsked()
    {
        await using var node = await ImageFixture.StartAsync();
        node.Serve("team/app", "1", ImageFixture.ThreeLayers());
        node.Serve("team/private", "1", ImageFixture.ThreeLayers("private"));
        var image = await node.PullAsync();
        var secret = await node.Puller.PullAsync(
            ImageReference.Parse(node.Name("team/private:1")), Gantry.Images.Registry.Access.RegistryCredentials.From("u", "p", "", "", ""), null, CancellationToken.None);
        var address = FreeAddress();
        await using var share = await ShareServer.StartAsync(new RegistryConfig { ShareListen = address }, node.Images);
        using var http = new HttpClient { BaseAddress = new Uri($"http://{address}") };
        var layer = image.Layers[0].Digest;
        var ns = $"?ns={Uri.EscapeDataString(node.Registry.Host)}";

        Assert.Equal(HttpStatusCode.OK, await StatusAsync("/v2/"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync($"/v2/team/app/manifests/1{ns}"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync($"/v2/{node.Registry.Host}/team/app/blobs/{layer}"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync($"/v2/team/other/blobs/{layer}{ns}"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync($"/v2/team/app/blobs/{secret.Id}{ns}"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync($"/v2/team/private/manifests/1{ns}"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync($"/v2/team/private/blobs/{secret.Id}{ns}"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync("/v2/../../etc/passwd/blobs/x"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync("/metrics"));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await http.PostAsync(new Uri("/v2/team/app/blobs/uploads/", UriKind.Relative), null)).StatusCode);
        using var range = new HttpRequestMessage(HttpMethod.Get, $"/v2/team/app/blobs/{layer}{ns}") { Headers = { Range = new(10, null) } };
        using var rest = await http.SendAsync(range);
        Assert.Equal(HttpStatusCode.PartialContent, rest.StatusCode);
        Assert.Equal(File.ReadAllBytes(node.Images.BlobPath(layer))[10..], await rest.Content.ReadAsByteArrayAsync());

        async Task<HttpStatusCode> StatusAsync(string path)
        {
            using var response = await http.GetAsync(new Uri(path, UriKind.Relative));
            return response.StatusCode;
        }
    }

    [Theory]
    [InlineData("", "", null)]
    [InlineData("127.0.0.1:5001", "", null)]
    [InlineData("0.0.0.0:5001", "", "share_certificate")]
    [InlineData("0.0.0.0:5001", "/c.pem", null)]
    [InlineData("somewhere", "", "an address and a port")]
    public void ProblemOf_ListeningWithoutTls_IsOnlyForTheLoopback(string listen, string certificate, string? problem)
    {
        var found = ShareServer.ProblemOf(new RegistryConfig { ShareListen = listen, ShareCertificate = certificate });

        if (problem is null)
            Assert.Null(found);
        else
            Assert.Contains(problem, found!, StringComparison.Ordinal);
    }

    [Fact]
    public void Config_OfRegistries_IsReadWithoutTellingSecrets()
    {
        var errors = new List<string>();
        var config = ConfigFile.Apply(new GantryConfig(), """
            [registry]
            max_layers = 100
            download_mib_per_second = 5
            [registry.auth."registry.test:5000"]
            username = "puller"
            password = "s3cret"
            [registry.token_hosts]
            "registry.test" = "auth.test"
            [registry.download_mib_per_second_by_host]
            "slow.test" = 1
            """, "config.toml", errors);
        ConfigFile.Apply(config, "[registry.auth.\"x.test\"]\npassword = 12345678\nnonsense = 1\n", "config.toml", errors);

        Assert.Equal(("puller", "s3cret"), (config.Registry.Auth["registry.test:5000"].Username, config.Registry.Auth["registry.test:5000"].Password));
        Assert.Equal("auth.test", config.Registry.TokenHosts["registry.test"]);
        Assert.Equal((100, 5L << 20, 1L << 20), (config.Registry.MaxLayers, config.Registry.DownloadBytesPerSecond, config.Registry.DownloadBytesPerSecondByHost["slow.test"]));
        Assert.Equal(2, errors.Count);
        Assert.DoesNotContain("12345678", string.Join('\n', errors), StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", config.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", config.Registry.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void ConfigText_HasEveryKeyOfRegistriesWithItsDefault()
    {
        var errors = new List<string>();
        var read = ConfigFile.Apply(new GantryConfig { Registry = new RegistryConfig { MaxLayers = 1, NoProgressSeconds = 1, RetrySeconds = 1, ScrubHours = 5, PolicyFile = "/x" } }, ConfigText.Default, "default", errors);

        Assert.Empty(errors);
        var fresh = new RegistryConfig();
        read = read with { Registry = read.Registry with { Auth = fresh.Auth, TokenHosts = fresh.TokenHosts, DownloadBytesPerSecondByHost = fresh.DownloadBytesPerSecondByHost } };
        Assert.Equal(fresh.CertsDirectories, read.Registry.CertsDirectories);
        Assert.Equal(fresh.AuthFiles, read.Registry.AuthFiles);
        Assert.Equal(fresh.HelperFolders, read.Registry.HelperFolders);
        Assert.Equal(fresh, read.Registry with { CertsDirectories = fresh.CertsDirectories, AuthFiles = fresh.AuthFiles, HelperFolders = fresh.HelperFolders });
        foreach (var key in ConfigFile.Keys.Where(key => key.StartsWith("registry.", StringComparison.Ordinal)))
            Assert.Contains($"\n{key["registry.".Length..]} = ", ConfigText.Default, StringComparison.Ordinal);
    }

    private static string FreeAddress()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener.LocalEndpoint.ToString()!;
    }
}
