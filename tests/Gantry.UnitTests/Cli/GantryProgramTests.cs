using System.Text;
using Gantry.Cli;
using Gantry.Cli.Naming;
using Gantry.Cli.Output;
using Gantry.UnitTests.House;
using Xunit;

namespace Gantry.UnitTests.Cli;

public sealed class GantryProgramTests
{
    public static TheoryData<string> Verbs => [.. GantryCommand.Create(NoScreen(), new CompletionNames([], [], [])).Subcommands.Select(verb => verb.Name)];

    [Fact]
    public async Task Help_ListsEveryVerb()
    {
        var (code, output, _) = await RunAsync("--help");

        Assert.Equal(ExitCode.Ok, code);
        foreach (var verb in new[] { "run", "pods", "ps", "logs", "exec", "stop", "rm", "pull", "images", "rmi", "inspect", "info", "version", "completion" })
            Assert.Matches($@"(?m)^\s+(\S+, )?{verb}\b", output);
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Help_OfEachVerb_IsOnStandardOutput(string verb)
    {
        var (code, output, error) = await RunAsync(verb, "--help");

        Assert.Equal((ExitCode.Ok, ""), (code, error));
        Assert.Contains("Usage:", output, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Documentation_HasEachVerbWithItsOptions(string verb)
    {
        var (_, help, _) = await RunAsync(verb, "--help");
        var page = await File.ReadAllTextAsync(Path.Combine(SourceTree.Root, "docs", "cli.md"));

        Assert.Contains($"gantry {verb}", page, StringComparison.Ordinal);
        foreach (System.Text.RegularExpressions.Match option in System.Text.RegularExpressions.Regex.Matches(help, @"--[a-z][a-z-]*"))
            Assert.Contains(option.Value, page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("logs")]
    [InlineData("exec", "web")]
    [InlineData("ps", "-o", "xml")]
    [InlineData("ps", "--nonsense")]
    [InlineData("stop", "web", "--time", "soon")]
    [InlineData("logs", "web", "--tail", "many")]
    [InlineData("ps", "--endpoint", "tcp://x")]
    [InlineData("completion", "tcsh")]
    [InlineData("pull", "x", "--password-stdin")]
    public async Task Usage_WrongArguments_AreOneLineOnStandardErrorAndTwo(params string[] arguments)
    {
        var (code, output, error) = await RunAsync(arguments);

        Assert.Equal((ExitCode.Usage, ""), (code, output));
        Assert.StartsWith("gantry: ", error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public async Task NoDaemon_IsSaidWithTheRemedyAndThree()
    {
        var (code, output, error) = await RunAsync("ps", "--endpoint", "unix:///nonexistent/gantry.sock");

        Assert.Equal((ExitCode.Unreachable, ""), (code, output));
        Assert.Contains("the daemon is not running", error, StringComparison.Ordinal);
        Assert.Contains("Start it", error, StringComparison.Ordinal);
    }

    private static Screen NoScreen() => new(Stream.Null, Stream.Null, TextReader.Null, _ => null);

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        using var output = new MemoryStream();
        using var error = new MemoryStream();
        using var screen = new Screen(output, error, TextReader.Null, _ => null);
        var code = await GantryProgram.RunAsync(arguments, screen);
        screen.Flush();
        return (code, Encoding.UTF8.GetString(output.ToArray()), Encoding.UTF8.GetString(error.ToArray()));
    }
}
