using Gantry.Faults;
using Gantry.Images;
using Gantry.Images.Registry.Hosts;
using Xunit;

namespace Gantry.UnitTests.Images.Registry;

public sealed class HostRulesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gantry-hosts-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void For_EveryKeyOfContainerds_IsRead()
    {
        Write("registry.test/hosts.toml", """
            server = "https://upstream.test/prefix"
            capabilities = ["pull", "resolve", "push"]
            [host."https://one.test:444/v2/cache"]
            capabilities = ["pull"]
            override_path = true
            skip_verify = true
            ca = ["a.pem", "/etc/b.pem"]
            client = [["c.cert", "c.key"], ["d.pem", ""]]
            dial_timeout = "1m2.5s"
            [host."https://one.test:444/v2/cache".header]
            x-one = "1"
            x-many = ["2", "3"]
            [host."two.test"]
            ca = "a.pem"
            client = "e.pem"
            """);

        var hosts = For("registry.test/app:1");

        Assert.Equal(["https://one.test:444/v2/cache", "https://two.test", "https://upstream.test/prefix"], hosts.Select(host => host.Text));
        Assert.Equal([true, true, false], hosts.Select(host => host.IsMirror));
        var one = hosts[0];
        Assert.Equal(HostCapabilities.Pull, one.Capabilities);
        Assert.True(one.OverridePath && one.Tls.SkipVerify);
        Assert.Equal([$"{_folder}/registry.test/a.pem", "/etc/b.pem"], one.Tls.CaFiles);
        Assert.Equal([($"{_folder}/registry.test/c.cert", $"{_folder}/registry.test/c.key"), ($"{_folder}/registry.test/d.pem", "")], one.Tls.ClientFiles);
        Assert.Equal(TimeSpan.FromSeconds(62.5), one.DialTimeout);
        Assert.Equal(["x-one=1", "x-many=2", "x-many=3"], one.Headers.Select(header => $"{header.Key}={header.Value}"));
        Assert.Equal([($"{_folder}/registry.test/e.pem", "")], hosts[1].Tls.ClientFiles);
        Assert.Equal("https://one.test:444/v2/cache/app/manifests/1?ns=registry.test", one.Address(ImageReference.Parse("registry.test/app:1"), "manifests/1").ToString());
        Assert.Equal("https://upstream.test/prefix/v2/app/manifests/1", hosts[2].Address(ImageReference.Parse("registry.test/app:1"), "manifests/1").ToString());
    }

    [Theory]
    [InlineData("skip_verfy = true", 1)]
    [InlineData("\n[host.\"x.test\"]\ncapabilities = [\"pulll\"]", 3)]
    [InlineData("\n[host.\"x.test\"]\nskip_verify = \"yes\"", 3)]
    [InlineData("[host.\"https://user:secret@x.test\"]", 1)]
    [InlineData("[host.\"ftp://x.test\"]", 1)]
    [InlineData("[host.\"x.test\".header]\n\"a b\" = \"1\"", 2)]
    [InlineData("[host.\"x.test\".header]\na = \"1\\r\\nX: 2\"", 2)]
    [InlineData("dial_timeout = \"soon\"", 1)]
    [InlineData("client = [[\"a\", \"b\", \"c\"]]", 1)]
    [InlineData("server = 5", 1)]
    [InlineData("[host", 1)]
    public void For_WrongFile_NamesFileAndLineAndNoSecret(string toml, int line)
    {
        Write("registry.test/hosts.toml", toml);

        var failure = Assert.Throws<WrongStateException>(() => For("registry.test/app:1"));

        Assert.Contains($"hosts.toml({line}", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void For_EmptyFolder_DoesNotHideTheDefault()
    {
        Directory.CreateDirectory($"{_folder}/registry.test");
        Write("_default/hosts.toml", "[host.\"https://mirror.test\"]");

        Assert.Equal(["https://mirror.test", "https://registry.test"], For("registry.test/app:1").Select(host => host.Text));
    }

    [Theory]
    [InlineData("registry.test:5000")]
    [InlineData("registry.test_5000_")]
    public void For_PortInTheFoldersName_IsFoundInBothForms(string folder)
    {
        Write($"{folder}/hosts.toml", "server = \"http://registry.test:5000\"");

        Assert.Equal(["http://registry.test:5000"], For("registry.test:5000/app:1").Select(host => host.Text));
    }

    [Fact]
    public void For_DockersCertificates_CountWithoutAHostsToml()
    {
        Write("registry.test/authority.crt", "");
        Write("registry.test/client.cert", "");
        Write("registry.test/client.key", "");

        var host = Assert.Single(For("registry.test/app:1"));

        Assert.Equal([$"{_folder}/registry.test/authority.crt"], host.Tls.CaFiles);
        Assert.Equal([($"{_folder}/registry.test/client.cert", $"{_folder}/registry.test/client.key")], host.Tls.ClientFiles);
    }

    [Fact]
    public void For_DockerHub_IsAskedByItsServersName() =>
        Assert.Equal("https://registry-1.docker.io/v2/library/nginx/manifests/latest", For("nginx")[0].Address(ImageReference.Parse("nginx"), "manifests/latest").ToString());

    [Fact]
    public void For_RegistriesConf_LongestPrefixMirrorsAndLocations()
    {
        Write("registries.conf", """
            unqualified-search-registries = ["docker.io"]
            [[registry]]
            prefix = "registry.test"
            location = "moved.test/all"
            [[registry]]
            prefix = "registry.test/team"
            location = "registry.test/team"
            insecure = true
            [[registry.mirror]]
            location = "one.test/cache"
            [[registry.mirror]]
            location = "two.test"
            pull-from-mirror = "digest-only"
            """);
        Write("registries.conf.d/90-more.conf", """
            [[registry]]
            prefix = "*.blocked.test"
            blocked = true
            """);

        var team = For("registry.test/team/app:1");
        var byDigest = For($"registry.test/team/app@sha256:{new string('a', 64)}");
        var other = For("registry.test/teamwork/app:1");

        Assert.Equal(["https://one.test", "https://registry.test", "http://registry.test"], team.Select(host => host.Text));
        Assert.Equal(["cache/app", "team/app", "team/app"], team.Select(host => host.Repository));
        Assert.Equal([true, false, false], team.Select(host => host.IsMirror));
        Assert.True(team[1].Tls.SkipVerify);
        Assert.Equal(["https://one.test", "https://two.test", "https://registry.test", "http://registry.test"], byDigest.Select(host => host.Text));
        Assert.Equal("https://moved.test/v2/all/teamwork/app/manifests/1", other[0].Address(ImageReference.Parse("registry.test/teamwork/app:1"), "manifests/1").ToString());
        var failure = Assert.Throws<WrongStateException>(() => For("a.blocked.test/app:1"));
        Assert.Contains("90-more.conf(1)", failure.Message, StringComparison.Ordinal);
        Assert.Equal("https://free.test", Assert.Single(For("free.test/app:1")).Text);
    }

    [Fact]
    public void For_HostsToml_CountsBeforeRegistriesConfAndThatBeforeDefault()
    {
        Write("registries.conf", "[[registry]]\nprefix = \"registry.test\"\nlocation = \"conf.test\"\n");
        Write("_default/hosts.toml", "[host.\"https://default.test\"]");

        Assert.Equal("https://conf.test", For("registry.test/app:1")[0].Text);
        Assert.Equal("https://default.test", For("other.test/app:1")[0].Text);
        Write("registry.test/hosts.toml", "[host.\"https://own.test\"]");
        Assert.Equal("https://own.test", For("registry.test/app:1")[0].Text);
    }

    private IReadOnlyList<RegistryHost> For(string image) => new HostRules([_folder], $"{_folder}/registries.conf").For(ImageReference.Parse(image));

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName($"{_folder}/{name}")!);
        File.WriteAllText($"{_folder}/{name}", text);
    }
}
