using Gantry.Conformance;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Grpc.Core;
using Xunit;

namespace Gantry.NodeTests.Events;

/// <summary>Readers of events that do not behave, and a daemon that ends.</summary>
public sealed class EventReaderTests(NodeNetwork network)
{
    [Fact]
    public async Task Reader_ThatDoesNotRead_IsCutOffAndNobodyWaitsForIt()
    {
        await using var node = await GantryNode.StartAsync(network);
        // On connections of their own: a window that one reader does not empty is its alone.
        using var slowConnection = new CriConnection(node.Socket);
        using var slow = slowConnection.Runtime.GetContainerEvents(new GetEventsRequest());
        using var fast = node.Runtime.GetContainerEvents(new GetEventsRequest());
        await slow.ResponseHeadersAsync;
        await fast.ResponseHeadersAsync;
        var told = CountAsync(fast);

        // Large statuses fill what the connection takes; four events a pod fill the queue behind it.
        const int Pods = 270;
        for (var n = 0; n < Pods; n++)
        {
            await ComeAndGoAsync(node, n);
            // On a busy machine the good reader would fall behind as well, and be cut off as it should be then.
            await NodeNetwork.WaitForAsync(() => Task.FromResult(told.Count >= 4 * (n - 50)), TimeSpan.FromSeconds(30), $"the good reader, after pod {n},");
        }

        await NodeNetwork.WaitForAsync(() => Task.FromResult(told.Count >= 4 * Pods), TimeSpan.FromSeconds(30), "every event at the reader that reads");
        var received = 0;
        var failure = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            // What was under way when it was cut off.
            while (await slow.ResponseStream.MoveNext(TestContext.Current.CancellationToken))
                received++;
        });
        // One that has taken nothing for seconds has its stream reset; a slow one is told so (EventSenderTests).
        Assert.True(failure.StatusCode is StatusCode.Internal or StatusCode.ResourceExhausted, $"{failure.Status}");
        Assert.True(received < 4 * Pods, $"{received} of {4 * Pods} events were kept for it");
    }

    [Fact]
    public async Task Daemon_ToldToEnd_DoesNotWaitForItsReaders()
    {
        await using var node = await GantryNode.StartAsync(network);
        using var connection = new CriConnection(node.Socket);
        using var reader = connection.Runtime.GetContainerEvents(new GetEventsRequest());
        await reader.ResponseHeadersAsync;

        Shell.Run("kill", "-TERM", $"{node.DaemonPid}");

        var failure = await Assert.ThrowsAsync<RpcException>(() => reader.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
        // Held up by an open stream, it would be there for half a minute.
        await NodeNetwork.WaitForAsync(() => Task.FromResult(HasEnded(node.DaemonPid)), TimeSpan.FromSeconds(20), "the end of the daemon");
        await node.KillDaemonAsync();
    }

    private static Counter CountAsync(AsyncServerStreamingCall<ContainerEventResponse> call)
    {
        var counter = new Counter();
        _ = counter.RunAsync(call);
        return counter;
    }

    private static async Task ComeAndGoAsync(GantryNode node, int number)
    {
        var config = new PodSandboxConfig
        {
            Metadata = new PodSandboxMetadata { Name = $"pod-{number}", Namespace = "events", Uid = $"{number}" },
            Annotations = { ["large"] = new string('x', 20_000) },
            Linux = new LinuxPodSandboxConfig
            {
                CgroupParent = node.CgroupParent,
                SecurityContext = new LinuxSandboxSecurityContext { NamespaceOptions = new NamespaceOption { Network = NamespaceMode.Node, Pid = NamespaceMode.Container } },
            },
        };
        var pod = (await node.Runtime.RunPodSandboxAsync(new RunPodSandboxRequest { Config = config })).PodSandboxId;
        await node.Runtime.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = pod });
    }

    /// <summary>A process that nobody has waited for yet is a zombie.</summary>
    private static bool HasEnded(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/stat").Split(") ")[1][0] is 'Z' or 'X';
        }
        catch (IOException)
        {
            return true;
        }
    }

    private sealed class Counter
    {
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public async Task RunAsync(AsyncServerStreamingCall<ContainerEventResponse> call)
        {
            while (await call.ResponseStream.MoveNext(CancellationToken.None))
                Interlocked.Increment(ref _count);
        }
    }
}
