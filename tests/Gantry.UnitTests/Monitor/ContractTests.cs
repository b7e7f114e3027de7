using CsCheck;
using Gantry.Monitor.Contract;
using Xunit;

namespace Gantry.UnitTests.Monitor;

public sealed class ContractTests
{
    [Fact]
    public void LaunchRequest_AnyTexts_ReadBackAsTheSame() =>
        Gen.Select(Gen.String, Gen.String, Gen.Bool).Sample((one, other, flag) =>
        {
            var request = new LaunchRequest(one, other, flag, ["--root", "/a b\\n"], one + "\n" + other, "\\", "=", flag, !flag, flag);
            var read = LaunchRequest.Parse(request.ToText());
            return read with { RuntimeArguments = [] } == request with { RuntimeArguments = [] } && read.RuntimeArguments.SequenceEqual(request.RuntimeArguments);
        });

    [Fact]
    public void ExitRecord_Written_ReadsBackAsTheSame()
    {
        var record = new ExitRecord(137, 1_800_000_000_123_456_789, true);

        Assert.Equal(record, ExitRecord.TryParse(record.ToText()));
        Assert.Equal(record, ExitRecord.TryParseLine(record.ToLine()));
        Assert.Null(ExitRecord.TryParseLine("ok"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("code=1\n")]
    [InlineData("code=1\nfinished=2\n")]
    [InlineData("code=\nfinished=2\noom=0\n")]
    [InlineData("code=x\nfinished=2\noom=0\n")]
    [InlineData("code=-1\nfinished=2\noom=0\n")]
    [InlineData("code=1\nfinished=99999999999999999999\noom=0\n")]
    [InlineData("\0\0\0\0")]
    public void ExitRecord_TornText_IsNone(string text) => Assert.Null(ExitRecord.TryParse(text));

    [Fact]
    public void ExitRecord_AnyText_NeverThrows() => Gen.String.Sample(text => { ExitRecord.TryParse(text); });
}
