using System.Text;
using Gantry.Cli.Streaming;
using Xunit;
using ClientStatus = Gantry.Cli.Streaming.RemoteStatus;
using RemoteStatus = Gantry.Streaming.RemoteStatus;

namespace Gantry.UnitTests.Streaming;

public sealed class RemoteStatusTests
{
    [Fact]
    public void ToJson_Success_IsAStatusOfSuccess() => Assert.Equal("""{"metadata":{},"status":"Success"}""", Json(RemoteStatus.Exited(0)));

    [Fact]
    public void ToJson_ExitCode_IsACauseOfTheStatus() => Assert.Equal(
        """{"metadata":{},"status":"Failure","message":"command terminated with exit code 7","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}""",
        Json(RemoteStatus.Exited(7)));

    [Fact]
    public void ToJson_Failure_HasItsMessageAndNoCode()
    {
        Assert.Equal("""{"metadata":{},"status":"Failure","message":"no \u0022x\u0022","reason":"InternalError","code":500}""", Json(RemoteStatus.Failed("no \"x\"")));
        Assert.Null(RemoteStatus.Failed("x").ExitCode);
    }

    [Fact]
    public void ToText_OfProtocolsBeforeV4_IsEmptyForASuccessAlone()
    {
        Assert.Empty(RemoteStatus.Exited(0).ToText());
        Assert.Equal("command terminated with exit code 7", Encoding.UTF8.GetString(RemoteStatus.Exited(7).ToText()));
    }

    [Fact]
    public void CommandLine_ReadsWhatTheDaemonWrites()
    {
        Assert.Equal(0, ClientStatus.Read(RemoteStatus.Success.ToJson()).ExitCode);
        Assert.Equal(143, ClientStatus.Read(RemoteStatus.Exited(143).ToJson()).ExitCode);
        Assert.Equal(new RemoteResult(null, "broken"), ClientStatus.Read(RemoteStatus.Failed("broken").ToJson()));
        Assert.Equal(new RemoteResult(null, "old words"), ClientStatus.Read("old words"u8));
        Assert.Equal(RemoteResult.Lost, ClientStatus.Read([]));
    }

    private static string Json(RemoteStatus status) => Encoding.UTF8.GetString(status.ToJson());
}
