using System.Diagnostics;
using System.Text;
using Gantry.Linux;
using Gantry.Linux.Processes;
using Xunit;

namespace Gantry.UnitTests.Linux;

public sealed class ToolRunnerTests
{
    [Theory]
    [InlineData("exit 0", 0)]
    [InlineData("exit 42", 42)]
    [InlineData("kill -9 $$", 137)]
    public async Task RunAsync_ProgramEnds_ItsStatusIsReturned(string script, int expected)
    {
        var result = await RunAsync(script);

        Assert.Equal(expected, result.ExitCode);
        Assert.False(result.TimedOut);
    }

    [Fact]
    public async Task RunAsync_BothOutputs_AreKeptApart()
    {
        var result = await RunAsync("echo out; echo err >&2");

        Assert.Equal("out\n", Encoding.UTF8.GetString(result.Output));
        Assert.Equal("err\n", Encoding.UTF8.GetString(result.ErrorOutput));
    }

    [Fact]
    public async Task RunAsync_MoreOutputThanAllowed_IsDroppedAndProgramEnds()
    {
        var result = await ToolRunner.RunAsync(new ToolRequest("/bin/sh", ["-c", "head -c 3000000 /dev/zero"]) { MaxOutputBytes = 1000 }, CancellationToken.None);

        Assert.Equal(0, result.ExitCode);
        Assert.Equal(1000, result.Output.Length);
    }

    [Fact]
    public async Task RunAsync_LargeInput_ArrivesWhole()
    {
        var input = new byte[1_000_000];

        var result = await ToolRunner.RunAsync(new ToolRequest("/usr/bin/wc", ["-c"]) { StandardInput = input }, CancellationToken.None);

        Assert.Equal("1000000", Encoding.UTF8.GetString(result.Output).Trim());
    }

    [Fact]
    public async Task RunAsync_TimeIsUp_GroupIsKilled()
    {
        var clock = Stopwatch.StartNew();

        var result = await ToolRunner.RunAsync(
            new ToolRequest("/bin/sh", ["-c", "sleep 30 & sleep 30"]) { Timeout = TimeSpan.FromMilliseconds(200) }, CancellationToken.None);

        Assert.True(result.TimedOut);
        Assert.Equal(137, result.ExitCode);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task RunAsync_ChildKeepsThePipes_DelaysNobody()
    {
        var clock = Stopwatch.StartNew();

        var result = await RunAsync("sleep 20 & echo done");

        Assert.Equal("done\n", Encoding.UTF8.GetString(result.Output));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task RunAsync_CallerLeaves_IsCanceled()
    {
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ToolRunner.RunAsync(new ToolRequest("/bin/sleep", ["30"]), cancel.Token));
    }

    [Fact]
    public async Task RunAsync_NoSuchProgram_SaysSo()
    {
        var e = await Assert.ThrowsAsync<SyscallException>(() => ToolRunner.RunAsync(new ToolRequest("/nonexistent/tool", []), CancellationToken.None));

        Assert.Equal(Errno.ENOENT, e.Errno);
        Assert.Contains("/nonexistent/tool", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_OpenFilesOfThisProcess_AreNotInherited()
    {
        using var open = File.OpenRead("/etc/passwd");

        var result = await RunAsync("ls /proc/self/fd | wc -l");

        // 0, 1, 2 and the one by which ls reads the directory.
        Assert.Equal("4", Encoding.UTF8.GetString(result.Output).Trim());
    }

    [Theory]
    [InlineData("SIGTERM", 15)]
    [InlineData("term", 15)]
    [InlineData("9", 9)]
    [InlineData("SIGRTMIN+3", 37)]
    [InlineData("SIGRTMAX-1", 63)]
    public void Parse_SignalNames_GiveNumbers(string name, int expected) => Assert.Equal(expected, Signals.Parse(name));

    [Theory]
    [InlineData("")]
    [InlineData("SIGNOPE")]
    [InlineData("0")]
    [InlineData("65")]
    [InlineData("15 ")]
    public void TryParse_NoSignal_IsRefused(string name) => Assert.False(Signals.TryParse(name, out _));

    private static Task<ToolResult> RunAsync(string script) => ToolRunner.RunAsync(new ToolRequest("/bin/sh", ["-c", script]), CancellationToken.None);
}
