using Gantry.Faults;
using Gantry.Networking;
using Xunit;

namespace Gantry.UnitTests.Networking;

public sealed class CniConfigTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gantry-cni-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("", "is not valid")]
    [InlineData("{", "is not valid")]
    [InlineData("[]", "is no JSON object")]
    [InlineData("{}", "has no name")]
    [InlineData("""{"name": 3, "type": "bridge"}""", "is not valid")]
    [InlineData("""{"name": "a", "plugins": []}""", "a plugin without a type")]
    [InlineData("""{"name": "a", "plugins": [{"type": "../../bin/sh"}]}""", "a plugin without a type")]
    [InlineData("""{"name": "a", "plugins": [{"type": ".."}]}""", "a plugin without a type")]
    [InlineData("""{"name": "a", "plugins": [{"type": ""}]}""", "a plugin without a type")]
    [InlineData("""{"name": "a", "plugins": [{"no": "type"}]}""", "a plugin without a type")]
    [InlineData("""{"name": "a", "plugins": [{"type": 5}]}""", "is not valid")]
    public void Parse_WrongText_IsRefusedWithItsFile(string text, string words)
    {
        var failure = Assert.Throws<InvalidRequestException>(() => CniNetwork.Parse(text, "/etc/cni/net.d/x.conflist"));

        Assert.Contains("/etc/cni/net.d/x.conflist", failure.Message, StringComparison.Ordinal);
        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_SinglePlugin_IsAListOfOne()
    {
        var network = CniNetwork.Parse("""{"cniVersion": "0.4.0", "name": "a", "type": "bridge"}""", "a.conf");

        Assert.Equal(("a", "0.4.0", 1), (network.Name, network.Version, network.Plugins.Count));
    }

    [Theory]
    [InlineData("""{"cniVersions": ["0.4.0", "1.1.0", "1.0.0"]}""", "1.1.0")]
    [InlineData("""{"cniVersion": "1.0.0", "cniVersions": ["0.4.0"]}""", "1.0.0")]
    [InlineData("""{"cniVersion": "1.0.0", "cniVersions": ["2.0.0", "1.2.0", "later"]}""", "1.0.0")]
    [InlineData("""{"cniVersion": "2.0.0"}""", "2.0.0")]
    public void Parse_SeveralVersions_TakesTheNewestThatIsSpokenHere(string versions, string expected)
    {
        var text = versions[..^1] + """, "name": "a", "plugins": [{"type": "bridge"}]}""";

        Assert.Equal(expected, CniNetwork.Parse(text, "a.conflist").Version);
    }

    [Fact]
    public void Find_BrokenFileFirst_TakesTheNextValid()
    {
        File.WriteAllText(Path.Combine(_folder, "05-broken.conflist"), "{");
        File.WriteAllText(Path.Combine(_folder, "10-good.conflist"), """{"name": "good", "plugins": [{"type": "bridge"}]}""");
        File.WriteAllText(Path.Combine(_folder, "00-notes.txt"), "nothing");

        Assert.Equal("good", CniNetwork.Find(_folder, out _)?.Name);
    }

    [Fact]
    public void Find_OnlyBrokenFiles_SaysWhatIsWrong()
    {
        File.WriteAllText(Path.Combine(_folder, "05-broken.conflist"), "{");

        Assert.Null(CniNetwork.Find(_folder, out var problem));
        Assert.Contains("05-broken.conflist is not valid", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Find_NoDirectory_SaysWhere()
    {
        Assert.Null(CniNetwork.Find("/nonexistent/net.d", out var problem));
        Assert.Contains("/nonexistent/net.d", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void InstallIfNone_EmptyDirectory_WritesAValidNetworkOnce()
    {
        Assert.True(DefaultConflist.InstallIfNone(_folder, "10.1.0.0/16"));
        Assert.False(DefaultConflist.InstallIfNone(_folder, "10.2.0.0/16"));

        var network = CniNetwork.Find(_folder, out _)!;
        Assert.Equal(["bridge", "portmap"], network.Plugins.Select(plugin => (string)plugin["type"]!));
        Assert.Contains("10.1.0.0/16", network.Plugins[0].ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public void InstallIfNone_SomebodysConfiguration_IsLeftAlone()
    {
        File.WriteAllText(Path.Combine(_folder, "mine.conf"), "{");

        Assert.False(DefaultConflist.InstallIfNone(_folder, "10.1.0.0/16"));
    }
}
