using System.Text;
using Gantry.Linux.Files;
using Gantry.Linux.Processes;
using Xunit;

namespace Gantry.UnitTests.Linux;

public sealed class KernelFileTests
{
    [Fact]
    public void TryRead_FileOfTheKernel_IsWhole()
    {
        var buffer = new byte[4096];

        var length = KernelFile.TryRead("/proc/sys/kernel", "ostype"u8, buffer);

        Assert.Equal("Linux\n", Encoding.ASCII.GetString(buffer, 0, length));
    }

    [Fact]
    public void TryRead_NothingThere_IsMinusOne()
    {
        Assert.Equal(-1, KernelFile.TryRead("/proc/sys/kernel", "no-such-file"u8, new byte[10]));
        Assert.Equal(-1, KernelFile.TryRead("/proc/sys", "kernel"u8, new byte[10]));
        Assert.Equal(-1, KernelFile.TryRead("/" + new string('x', 5000), "kernel"u8, new byte[10]));
    }

    [Fact]
    public void TryRead_LargerThanTheBuffer_EndsWithAWholeLine()
    {
        var whole = new byte[65536];
        var length = KernelFile.TryRead("/proc/self", "limits"u8, whole);
        var part = new byte[length - 10];

        var partLength = KernelFile.TryRead("/proc/self", "limits"u8, part);

        Assert.InRange(partLength, 1, part.Length);
        Assert.Equal((byte)'\n', part[partLength - 1]);
        Assert.Equal(whole[..partLength], part[..partLength]);
    }

    [Fact]
    public void TryCountLines_FileOfTheKernel_AreAsManyAsRead() =>
        Assert.Equal(File.ReadAllLines("/proc/self/limits").Length, KernelFile.TryCountLines("/proc/self", "limits"u8));

    [Fact]
    public void OpenFilesLimit_OfThisProcess_IsReadAndMayBeMissing()
    {
        Assert.True(ResourceLimits.OpenFiles(Environment.ProcessId) is null or > 0);
        Assert.Equal(20000UL, ResourceLimits.ParseOpenFiles("Limit   Soft Limit  Hard Limit Units\nMax open files            20000                20000                files     \n"));
        Assert.Null(ResourceLimits.ParseOpenFiles("Max open files            unlimited            unlimited            files     \n"));
        Assert.Null(ResourceLimits.OpenFiles(int.MaxValue));
    }

    [Fact]
    public void OpenFiles_OfThisProcess_CountsDescriptorsAndSockets()
    {
        var before = OpenFiles.Of(Environment.ProcessId);
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        using var file = File.OpenHandle("/dev/null");

        var now = OpenFiles.Of(Environment.ProcessId);

        Assert.True(now.Descriptors >= 3 && now.Sockets >= 1, $"{before} {now}");
        Assert.Equal(default, OpenFiles.Of(int.MaxValue));
    }
}
