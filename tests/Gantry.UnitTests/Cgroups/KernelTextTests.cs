using System.Text;
using CsCheck;
using Gantry.Cgroups;
using Xunit;

namespace Gantry.UnitTests.Cgroups;

public sealed class KernelTextTests
{
    [Fact]
    public void Pressure_BothLines_AreRead()
    {
        var pressure = KernelText.Pressure(Encoding.ASCII.GetBytes(CgroupSamples.Pressure))!;

        Assert.Equal(new PressureLine(12.34, 5.6, 0.07, 9_730_123), pressure.Some);
        Assert.Equal(new PressureLine(0.5, 0, 0, 2_046), pressure.Full);
    }

    [Fact]
    public void Pressure_OldKernelsCpu_HasNoFullLine()
    {
        var pressure = KernelText.Pressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n"u8)!;

        Assert.Equal(7UL, pressure.Some.TotalMicroseconds);
        Assert.Null(pressure.Full);
    }

    [Theory]
    [InlineData("max\n", null)]
    [InlineData("4096\n", 4096UL)]
    [InlineData("0\n", 0UL)]
    [InlineData("9223372036854771712\n", null)]
    [InlineData("-1\n", null)]
    [InlineData("", null)]
    [InlineData("12 34\n", null)]
    public void Limit_OfEachForm_IsRead(string text, ulong? expected) =>
        Assert.Equal(expected, KernelText.Limit(Encoding.ASCII.GetBytes(text)));

    [Fact]
    public void ValueOf_KeyThatBeginsLikeAnother_IsNotMistaken() =>
        Assert.Equal(2UL, KernelText.ValueOf("oom_kill_disable 1\noom_kill 2\n"u8, "oom_kill"u8));

    [Fact]
    public void AnyBytes_AreReadWithoutAFault() => Gen.Byte.Array[0, 300].Sample(bytes =>
    {
        KernelText.Pressure(bytes);
        KernelText.Limit(bytes);
        MemoryStat.ParseV1(bytes);
        MemoryStat.ParseV2(bytes);
        CgroupV2Reader.ParseIo(bytes);
        CgroupV2Reader.ParseCpu(bytes);
        Gantry.Networking.InterfaceCounters.Parse(bytes);
    });
}
