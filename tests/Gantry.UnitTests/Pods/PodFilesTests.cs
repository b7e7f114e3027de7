using Gantry.Networking;
using Gantry.Pods;
using Xunit;

namespace Gantry.UnitTests.Pods;

public sealed class PodFilesTests
{
    [Fact]
    public void ResolvConf_AllParts_AreLinesOfTheirOwn() =>
        Assert.Equal(
            "search a.local b.local\nnameserver 10.0.0.10\nnameserver 10.0.0.11\noptions ndots:5 edns0\n",
            PodFiles.ResolvConf(new DnsSettings(["10.0.0.10", "10.0.0.11"], ["a.local", "b.local"], ["ndots:5", "edns0"])));

    [Fact]
    public void ResolvConf_Nothing_IsEmpty() => Assert.Equal("", PodFiles.ResolvConf(new DnsSettings([], [], [])));

    [Fact]
    public void Hosts_Addresses_NameTheHost()
    {
        var text = PodFiles.Hosts("web-0", ["10.0.0.2", "fd00::2"]);

        Assert.StartsWith("127.0.0.1\tlocalhost\n", text, StringComparison.Ordinal);
        Assert.EndsWith("10.0.0.2\tweb-0\nfd00::2\tweb-0\n", text, StringComparison.Ordinal);
    }
}
