using Gantry.Linux.Processes;
using Xunit;

namespace Gantry.UnitTests.Linux;

/// <summary>Only what is in the file as it is in memory may be dropped from memory.</summary>
public sealed class ProgramMappingsTests
{
    private const string Smaps = """
        55ccc4896000-55ccc48c1000 r--p 00000000 fe:00 5310175                    /opt/my node/gantryd
        Rss:                 172 kB
        Anonymous:             0 kB
        VmFlags: rd mr mw me sd
        55ccc48c1000-55ccc5612000 r-xp 0002b000 fe:00 5310175                    /opt/my node/gantryd
        Anonymous:             0 kB
        55ccc610c000-55ccc610e000 r--p 01876000 fe:00 5310175                    /opt/my node/gantryd
        Anonymous:            12 kB
        55ccc610e000-55ccc6166000 rw-p 01878000 fe:00 5310175                    /opt/my node/gantryd
        Anonymous:             0 kB
        55ccc6166000-55ccc684c000 r--p 00000000 00:00 0
        Anonymous:             0 kB
        7fa19cc00000-7fa19ccc5000 r--p 00000000 fe:00 332131                     /usr/lib/libcrypto.so.3
        Anonymous:             0 kB
        """;

    [Fact]
    public void Clean_IsWhatTheFileHasAndNobodyCanHaveChanged() =>
        Assert.Equal(
            [(0x55ccc4896000ul, 0x2b000ul), (0x55ccc48c1000ul, 0xd51000ul)],
            ProgramMappings.Clean(Smaps.Split('\n'), "/opt/my node/gantryd"));

    [Fact]
    public void ReleaseProgram_LeavesAProcessThatGoesOn()
    {
        NativeMemory.ReleaseProgram();
        Assert.NotEmpty(ProgramMappings.Clean(File.ReadLines("/proc/self/smaps"), Environment.ProcessPath!));
    }
}
