using System.Text;
using Gantry.Networking;
using Xunit;

namespace Gantry.UnitTests.Networking;

public sealed class InterfaceCountersTests
{
    [Fact]
    public void Parse_TableOfAKernel_TellsOfAllButTheLoopback()
    {
        var table = Encoding.ASCII.GetBytes("""
            Inter-|   Receive                                                |  Transmit
             face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
                lo: 19970297     729    0    0    0     0          0         0 19970297     729    0    0    0     0       0          0
              eth0:373921940   11346    1    2    3     4          5         6   512192    7041    7    8    9    10      11         12
             net1.5:     10      20   30   40    0     0          0         0       50      60   70   80    0     0       0          0

            """);

        var interfaces = InterfaceCounters.Parse(table);

        Assert.Equal(
            [
                new InterfaceCounters("eth0")
                {
                    ReceivedBytes = 373921940, ReceivedPackets = 11346, ReceiveErrors = 1, ReceiveDrops = 2, SentBytes = 512192, SentPackets = 7041, SendErrors = 7, SendDrops = 8,
                },
                new InterfaceCounters("net1.5")
                {
                    ReceivedBytes = 10, ReceivedPackets = 20, ReceiveErrors = 30, ReceiveDrops = 40, SentBytes = 50, SentPackets = 60, SendErrors = 70, SendDrops = 80,
                },
            ],
            interfaces);
    }
}
