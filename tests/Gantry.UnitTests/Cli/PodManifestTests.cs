using Gantry.Cli;
using Gantry.Cli.Manifests;
using Xunit;

namespace Gantry.UnitTests.Cli;

public sealed class PodManifestTests
{
    private const string Pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers: []\n";

    [Fact]
    public void Read_Pod_IsTheDaemonsJson()
    {
        var manifest = Read(Pod);

        Assert.Equal("web", manifest.Name);
        Assert.StartsWith("{\"apiVersion\":\"v1\"", System.Text.Encoding.UTF8.GetString(manifest.Json), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_PodAmongOthers_IsChosen() => Assert.Equal("web", Read("kind: Service\n---\n" + Pod).Name);

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("a: 1", "has no 'kind'")]
    [InlineData("kind: Deployment", "needs a cluster")]
    [InlineData("kind: List", "take the pod out of its items")]
    [InlineData("kind: Service", "is a Service; gantry runs a v1/Pod")]
    [InlineData("kind: Pod\napiVersion: v2", "apiVersion is 'v2'")]
    [InlineData("kind: Pod\napiVersion: v1\nmetadata: {generateName: x}", "metadata.name is missing")]
    [InlineData("kind: Pod\n bad: x", "standard input:2:")]
    public void Read_Others_AreUsageErrors(string yaml, string words)
    {
        var failure = Assert.Throws<CommandException>(() => Read(yaml));

        Assert.Equal(ExitCode.Usage, failure.ExitCode);
        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_TwoPods_AreRefused() => Assert.Contains("2 pods", Assert.Throws<CommandException>(() => Read(Pod + "---\n" + Pod)).Message, StringComparison.Ordinal);

    [Fact]
    public void Read_NoSuchFile_IsSaid() => Assert.Contains("no such file", Assert.Throws<CommandException>(() => PodManifest.Read("/nonexistent.yaml", TextReader.Null)).Message, StringComparison.Ordinal);

    private static PodManifest Read(string yaml) => PodManifest.Read("-", new StringReader(yaml));
}
