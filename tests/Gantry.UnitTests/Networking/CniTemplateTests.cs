using Gantry.Faults;
using Gantry.Networking;
using Xunit;

namespace Gantry.UnitTests.Networking;

public sealed class CniTemplateTests : IDisposable
{
    /// <summary>As Kubernetes' own scripts for containerd write it.</summary>
    private const string Usual = """
        {"cniVersion":"1.0.0","name":"pods","plugins":[{"type":"ptp","ipam":{"type":"host-local","subnet":"{{.PodCIDR}}",
         "ranges":[{{range $i, $range := .PodCIDRRanges}}{{if $i}}, {{end}}[{"subnet":"{{$range}}"}]{{end}}],
         "routes":[{{range $i, $route := .Routes}}{{if $i}}, {{end}}{"dst":"{{$route}}"}{{end}}]}}]}
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("template").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Target => $"{_folder}/net.d/{DefaultConflist.FileName}";

    [Fact]
    public void Fill_TwoFamilies_HasARangeAndARouteForEach() => Assert.Equal(
        """
        {"cniVersion":"1.0.0","name":"pods","plugins":[{"type":"ptp","ipam":{"type":"host-local","subnet":"10.1.0.0/24",
         "ranges":[[{"subnet":"10.1.0.0/24"}], [{"subnet":"fd00:1::/64"}]],
         "routes":[{"dst":"0.0.0.0/0"}, {"dst":"::/0"}]}}]}
        """,
        CniTemplate.Fill(Usual, "f", ["10.1.0.0/24", "fd00:1::/64"]));

    [Theory]
    [InlineData("{{.PodCIDR}}", "10.1.0.0/24")]
    [InlineData("{{ .PodCIDR }}", "10.1.0.0/24")]
    [InlineData("{{- .PodCIDR -}}", "10.1.0.0/24")]
    [InlineData("{{range .PodCIDRRanges}}<{{.}}>{{end}}", "<10.1.0.0/24>")]
    [InlineData("{{range $r := .PodCIDRRanges}}<{{$r}}>{{end}}", "<10.1.0.0/24>")]
    [InlineData("{{if .PodCIDR}}yes{{else}}no{{end}}", "yes")]
    [InlineData("no action", "no action")]
    public void Fill_OneRange_IsWhatGoWouldMakeOfIt(string template, string expected) => Assert.Equal(expected, CniTemplate.Fill(template, "f", ["10.1.0.0/24"]));

    [Theory]
    [InlineData("{{.Nothing}}", ".Nothing")]
    [InlineData("{{range .PodCIDR}}{{end}}", "range .PodCIDR")]
    [InlineData("{{range .Routes}}", "range .Routes")]
    [InlineData("{{if .PodCIDR}}", "if .PodCIDR")]
    [InlineData("{{end}}", "end")]
    [InlineData("{{printf \"x\"}}", "printf")]
    public void Fill_WhatIsNotUnderstood_IsRefusedByFileAndAction(string template, string named)
    {
        var failure = Assert.Throws<InvalidRequestException>(() => CniTemplate.Fill(template, "the-file", ["10.1.0.0/24"]));

        Assert.Contains("the-file", failure.Message, StringComparison.Ordinal);
        Assert.Contains(named, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Install_NewRange_ReplacesItsOwnFileAndTheSameRangeDoesNot()
    {
        Assert.True(CniTemplate.Install(Template(Usual), $"{_folder}/net.d", ["10.1.0.0/24"]));
        Assert.False(CniTemplate.Install(Template(Usual), $"{_folder}/net.d", ["10.1.0.0/24"]));
        Assert.True(CniTemplate.Install(Template(Usual), $"{_folder}/net.d", ["10.2.0.0/24"]));

        Assert.Contains("10.2.0.0/24", File.ReadAllText(Target), StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles($"{_folder}/net.d"));
    }

    [Fact]
    public void Install_WhereAnotherNetworkIs_WritesNothing()
    {
        Directory.CreateDirectory($"{_folder}/net.d");
        File.WriteAllText($"{_folder}/net.d/05-cilium.conflist", "{}");

        Assert.False(CniTemplate.Install(Template(Usual), $"{_folder}/net.d", ["10.1.0.0/24"]));
        Assert.False(File.Exists(Target));
    }

    [Fact]
    public void Install_WhatIsNoConfiguration_IsRefusedAndLeavesWhatWasThere()
    {
        CniTemplate.Install(Template(Usual), $"{_folder}/net.d", ["10.1.0.0/24"]);

        Assert.Throws<InvalidRequestException>(() => CniTemplate.Install(Template("no JSON: {{.PodCIDR}}"), $"{_folder}/net.d", ["10.2.0.0/24"]));
        Assert.Contains("not/there", Assert.Throws<InvalidRequestException>(() => CniTemplate.Install("/not/there", $"{_folder}/net.d", ["10.2.0.0/24"])).Message, StringComparison.Ordinal);
        Assert.Contains("10.1.0.0/24", File.ReadAllText(Target), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("10.1.0.0/24", 1)]
    [InlineData(" 10.1.0.0/24 , fd00::/64,", 2)]
    public void ParseCidrs_KubeletsList_IsSplit(string text, int count) => Assert.Equal(count, CniTemplate.ParseCidrs(text).Count);

    [Fact]
    public void ParseCidrs_NoRange_IsRefusedByName() =>
        Assert.Contains("'nonsense'", Assert.Throws<InvalidRequestException>(() => CniTemplate.ParseCidrs("10.1.0.0/24,nonsense")).Message, StringComparison.Ordinal);

    private string Template(string text)
    {
        File.WriteAllText($"{_folder}/template", text);
        return $"{_folder}/template";
    }
}
