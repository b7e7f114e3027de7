using Gantry.Configuration;
using Xunit;

namespace Gantry.UnitTests.Configuration;

public sealed class DaemonOptionsTests
{
    [Fact]
    public void Apply_Options_CountMoreThanTheFiles()
    {
        var config = DaemonOptions.Parse(["--root", "/r", "--state", "/s"]).Apply(new GantryConfig { Root = "/file", State = "/file-state" });

        Assert.Equal(("/r", "/s", "/s/gantry.sock"), (config.Root, config.State, config.Socket));
    }

    [Fact]
    public void Apply_StateAlone_LeavesASocketThatWasConfigured()
    {
        var config = DaemonOptions.Parse(["--state", "/s"]).Apply(new GantryConfig { Socket = "/mine.sock" });

        Assert.Equal("/mine.sock", config.Socket);
    }

    [Theory]
    [InlineData("--nonsense")]
    [InlineData("--root")]
    [InlineData("config")]
    [InlineData("config", "delete")]
    public void Parse_WrongArguments_AnswerUsageAndTwo(params string[] arguments)
    {
        var options = DaemonOptions.Parse(arguments);

        Assert.Equal(2, options.ExitCode);
        Assert.Contains("is not understood", options.Answer, StringComparison.Ordinal);
        Assert.Contains("usage:", options.Answer, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_ConfigDefault_AnswersTheAnnotatedText() => Assert.Equal(ConfigText.Default, DaemonOptions.Parse(["config", "default"]).Answer);

    [Fact]
    public void Version_IsOneThatTheKubeletParses() => Assert.Matches(@"^\d+\.\d+\.\d+$", DaemonOptions.Version);
}
