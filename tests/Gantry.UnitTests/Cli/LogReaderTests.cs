using System.Text;
using Gantry.Cli.Logs;
using Gantry.Cli.Output;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gantry.UnitTests.Cli;

public sealed class LogReaderTests : IDisposable
{
    private const string Stamp = "2026-11-23T10:00:00.000000000Z";
    private readonly string _folder = Directory.CreateTempSubdirectory("gantry-logs-").FullName;
    private readonly MemoryStream _output = new();
    private readonly MemoryStream _error = new();

    private string Target => Path.Combine(_folder, "0.log");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void PrintAll_BothStreams_GoTheirWays()
    {
        Write("stdout F one", "stderr F two", "stdout F three");

        Print();

        Assert.Equal("one\nthree\n", Output());
        Assert.Equal("two\n", Encoding.UTF8.GetString(_error.ToArray()));
    }

    [Fact]
    public void PrintAll_Parts_AreJoined()
    {
        Write("stdout P aa", "stdout P bb", "stdout F cc", "stdout F dd");

        Print();

        Assert.Equal("aabbcc\ndd\n", Output());
    }

    [Theory]
    [InlineData(0, "")]
    [InlineData(1, "dd\n")]
    [InlineData(2, "aabb\ndd\n")]
    [InlineData(99, "zz\naabb\ndd\n")]
    public void PrintAll_Tail_CountsAPartedLineOnce(int tail, string expected)
    {
        Write("stdout F zz", "stdout P aa", "stdout F bb", "stdout F dd");

        Print(tail);

        Assert.Equal(expected, Output());
    }

    [Fact]
    public void PrintAll_LineOfAnotherFormat_IsShownAsItIs()
    {
        File.WriteAllText(Target, "not a log line\n");

        Print();

        Assert.Equal("not a log line\n", Output());
    }

    [Fact]
    public async Task FollowAsync_RotationMeanwhile_LosesNoLine()
    {
        Write("stdout F one");
        var time = new FakeTimeProvider();
        var hasEnded = false;
        var reader = new LogReader(new LogPrinter(Screen(), null, timestamps: false), time);
        var following = reader.FollowAsync(LogFile.Open(Target), null, () => Task.FromResult(hasEnded), CancellationToken.None);

        await PassAsync(time);
        Write("stdout F two");
        File.Move(Target, Target + ".1");
        File.AppendAllText(Target + ".1", $"{Stamp} stdout F late\n");
        Write("stdout F three");
        await PassAsync(time);
        hasEnded = true;
        while (!following.IsCompleted)
            await PassAsync(time);
        await following;

        Assert.Equal("one\ntwo\nlate\nthree\n", Output());
    }

    [Fact]
    public async Task FollowAsync_FileIsCut_StartsAgainAtItsTop()
    {
        Write("stdout F one", "stdout F two");
        var time = new FakeTimeProvider();
        var hasEnded = false;
        var reader = new LogReader(new LogPrinter(Screen(), null, timestamps: false), time);
        var following = reader.FollowAsync(LogFile.Open(Target), null, () => Task.FromResult(hasEnded), CancellationToken.None);
        await PassAsync(time);

        File.WriteAllText(Target, $"{Stamp} stdout F new\n");
        await PassAsync(time);
        hasEnded = true;
        while (!following.IsCompleted)
            await PassAsync(time);

        Assert.Equal("one\ntwo\nnew\n", Output());
    }

    private static async Task PassAsync(FakeTimeProvider time)
    {
        await Task.Delay(10);
        time.Advance(TimeSpan.FromMilliseconds(200));
        await Task.Delay(10);
    }

    private void Write(params string[] lines) => File.AppendAllLines(Target, lines.Select(line => $"{Stamp} {line}"));

    private void Print(int? tail = null)
    {
        using var file = LogFile.Open(Target);
        new LogReader(new LogPrinter(Screen(), null, timestamps: false), TimeProvider.System).PrintAll(file, tail);
    }

    private Screen Screen() => new(_output, _error, TextReader.Null, _ => null);

    private string Output() => Encoding.UTF8.GetString(_output.ToArray());
}
