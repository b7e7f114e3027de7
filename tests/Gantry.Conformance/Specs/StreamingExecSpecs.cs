using System.Diagnostics;
using System.Security.Cryptography;
using Gantry.Conformance.Streaming;

namespace Gantry.Conformance.Specs;

/// <summary>Commands in running containers, with a client's streams.</summary>
internal static class StreamingExecSpecs
{
    private static readonly RemoteStreams _outputs = new();
    private static readonly RemoteStreams _all = new(Input: true);
    private static readonly RemoteStreams _terminal = new(Input: true, Terminal: true);

    public static IReadOnlyList<Spec> All { get; } =
    [
        .. RemoteProtocol.All.Select(protocol => new Spec(
            $"streaming/exec-{protocol}", $"a command's outputs and exit code come over {protocol}", cri => OutputAsync(cri, protocol))),
        .. RemoteProtocol.All.Select(protocol => new Spec(
            $"streaming/input-{protocol}", $"a command gets its input over {protocol}, and its end where the protocol has a word for it", cri => InputAsync(cri, protocol))),
        .. RemoteProtocol.All.Where(protocol => protocol.HasResizes).Select(protocol => new Spec(
            $"streaming/terminal-{protocol}", $"a terminal over {protocol} has the client's size, and follows it", cri => TerminalAsync(cri, protocol))),
        new("streaming/exec-large", "20 MB go in and come out of a command byte by byte the same, over SPDY and WebSocket", LargeAsync),
        new("streaming/exec-slow-reader", "a client that reads slowly gets every byte", SlowReaderAsync),
        new("streaming/exec-output-end", "an output that the command closes ends for the client while the command runs", OutputEndAsync),
        new("streaming/exec-parallel", "many sessions at once in one container get what is theirs", ParallelAsync),
        new("streaming/exec-background-child", "a child that keeps the output open does not keep the session", BackgroundChildAsync),
        new("streaming/exec-input-unread", "a command that reads no input ends all the same, and the client is told", InputUnreadAsync),
        new("streaming/exec-client-leaves", "a client that leaves ends the command's input", ClientLeavesAsync),
        new("streaming/exec-not-killed", "a command whose client leaves is not killed", NotKilledAsync),
        new("streaming/exec-missing-program", "a program that does not exist is told of on the error stream", MissingProgramAsync),
        new("streaming/exec-signal", "a command that a signal ends has 128 and the signal's number", SignalAsync),
        new("streaming/exec-environment", "a command has the container's user, environment and directory, and with a terminal TERM", EnvironmentAsync),
    ];

    private static async Task OutputAsync(SpecContext cri, RemoteProtocol protocol)
    {
        var container = await cri.SleeperAsync();
        await using var session = await cri.OpenExecAsync(container, protocol, _outputs, "sh", "-c", "echo out; echo err >&2; exit 9");
        var outcome = await session.WaitAsync();
        Check.Equal("out\n", session.Output.ToString());
        Check.Equal("err\n", session.ErrorOutput.ToString());
        if (protocol.StatusIsJson)
            Check.Equal(9, outcome.ExitCode);
        else
            Check.Contains("9", outcome.Text);
        await using var good = await cri.OpenExecAsync(container, protocol, _outputs, "true");
        Check.Equal(0, (await good.WaitAsync()).ExitCode);
    }

    private static async Task InputAsync(SpecContext cri, RemoteProtocol protocol)
    {
        var container = await cri.SleeperAsync();
        var input = RandomNumberGenerator.GetBytes(300_000);
        string[] command = protocol.EndsInput ? ["cat"] : ["head", "-c", "300000"];
        await using var session = await cri.OpenExecAsync(container, protocol, _all, command);
        await session.WriteAsync(input);
        if (protocol.EndsInput)
            await session.EndInputAsync();
        Check.Equal(0, (await session.WaitAsync()).ExitCode);
        Check.True(input.AsSpan().SequenceEqual(session.Output.ToArray()), "what comes out is not what went in");
    }

    private static async Task TerminalAsync(SpecContext cri, RemoteProtocol protocol)
    {
        var container = await cri.SleeperAsync();
        await using var session = await cri.OpenExecAsync(container, protocol, _terminal, "sh", "-c", "read x; until stty size | grep '^31 101'; do sleep 0.1; done; trap 'stty size; exit 3' WINCH; echo ready; while true; do sleep 0.1; done");
        await session.ResizeAsync(101, 31);
        await session.WriteAsync("go\n");
        await session.Output.ContainsAsync("31 101");
        await session.Output.ContainsAsync("ready");
        await session.ResizeAsync(90, 20);
        await session.Output.ContainsAsync("20 90");
        var outcome = await session.WaitAsync();
        if (protocol.StatusIsJson)
            Check.Equal(3, outcome.ExitCode);
        Check.Equal(0L, session.ErrorOutput.Length);
    }

    private static async Task LargeAsync(SpecContext cri)
    {
        var container = await cri.SleeperAsync();
        var input = RandomNumberGenerator.GetBytes(20 << 20);
        await using var session = await cri.OpenExecAsync(container, RemoteProtocol.SpdyV4, _all, "cat");
        await WriteAllAsync(session, input);
        Check.Equal(0, (await session.WaitAsync(TimeSpan.FromMinutes(2))).ExitCode);
        Check.True(input.AsSpan().SequenceEqual(session.Output.ToArray()), "what comes out over SPDY is not what went in");
        await using var channels = await cri.OpenExecAsync(container, RemoteProtocol.WebSocketV4, _all, "sh", "-c", $"head -c {input.Length}");
        await channels.WriteAsync(input);
        Check.Equal(0, (await channels.WaitAsync(TimeSpan.FromMinutes(2))).ExitCode);
        Check.True(input.AsSpan().SequenceEqual(channels.Output.ToArray()), "what comes out over a WebSocket is not what went in");
    }

    private static async Task WriteAllAsync(RemoteSession session, byte[] input)
    {
        await session.WriteAsync(input);
        await session.EndInputAsync();
    }

    private static async Task SlowReaderAsync(SpecContext cri)
    {
        var container = await cri.SleeperAsync();
        var streams = new RemoteStreams(ErrorOutput: false);
        var url = new Uri(await cri.ExecUrlAsync(container, streams, "sh", "-c", "head -c 8000000 /dev/zero; exit 6"));
        await using var answer = await HttpUpgrade.AskForSpdyAsync(cri.Settings, url, RemoteProtocol.SpdyV4.Name);
        await using var slow = new SlowStream(answer.Stream);
        await using var session = await SpdyRemoteSession.OpenAsync(RemoteProtocol.SpdyV4, slow, streams);
        slow.IsSlow = true;
        Check.Equal(6, (await session.WaitAsync(TimeSpan.FromMinutes(2))).ExitCode);
        Check.Equal(8_000_000L, session.Output.Length);
    }

    private static async Task OutputEndAsync(SpecContext cri)
    {
        var container = await cri.SleeperAsync();
        await using var session = await cri.OpenShellAsync(container, _all, "echo last; exec >&-; read line; echo $line >&2");
        await session.Output.UntilAsync(() => session.Output.IsEnded, "the output has ended");
        Check.Equal("last\n", session.Output.ToString());
        await session.WriteAsync("still here\n");
        Check.Equal(0, (await session.WaitAsync()).ExitCode);
        Check.Equal("still here\n", session.ErrorOutput.ToString());
    }

    private static async Task ParallelAsync(SpecContext cri)
    {
        var container = await cri.SleeperAsync();
        var outputs = await Task.WhenAll(Enumerable.Range(0, 20).Select(async n =>
        {
            await using var session = await cri.OpenExecAsync(container, n % 2 == 0 ? RemoteProtocol.SpdyV4 : RemoteProtocol.WebSocketV4, _all, "sh", "-c", "read line; echo $line");
            await session.WriteAsync($"{n}\n");
            Check.Equal(0, (await session.WaitAsync()).ExitCode);
            return session.Output.ToString();
        }));
        Check.Equal(string.Concat(Enumerable.Range(0, 20).Select(n => $"{n}\n")), string.Concat(outputs));
    }

    private static async Task BackgroundChildAsync(SpecContext cri)
    {
        var container = await cri.SleeperAsync();
        var clock = Stopwatch.StartNew();
        await using var session = await cri.OpenShellAsync(container, _outputs, "sleep 100 & echo done");
        Check.Equal(0, (await session.WaitAsync(TimeSpan.FromSeconds(30))).ExitCode);
        Check.Equal("done\n", session.Output.ToString());
        Check.True(clock.Elapsed < TimeSpan.FromSeconds(30), $"it took {clock.Elapsed}");
    }

    private static async Task InputUnreadAsync(SpecContext cri)
    {
        var container = await cri.SleeperAsync();
        await using var session = await cri.OpenShellAsync(container, _all, "echo ready; sleep 1; exit 5");
        await session.Output.ContainsAsync("ready");
        var writing = session.WriteAsync(new byte[4 << 20]);
        Check.Equal(5, (await session.WaitAsync()).ExitCode);
        await session.DisposeAsync();
        await Task.WhenAny(writing);
    }

    private static async Task ClientLeavesAsync(SpecContext cri)
    {
        var container = await cri.SleeperAsync();
        await using (var session = await cri.OpenShellAsync(container, _all, "echo ready; cat > /tmp/input; echo over > /tmp/over"))
        {
            await session.Output.ContainsAsync("ready");
            await session.WriteAsync("some input\n");
            await Check.EventuallyAsync(async () => await container.ShellAsync("cat /tmp/input") == "some input", "the command has what was sent");
        }
        await Check.EventuallyAsync(async () => await container.ShellAsync("cat /tmp/over 2>/dev/null || true") == "over", "the command has seen the end of its input");
    }

    private static async Task NotKilledAsync(SpecContext cri)
    {
        var container = await cri.SleeperAsync();
        await using (var session = await cri.OpenShellAsync(container, _outputs, "echo ready; sleep 2; echo over > /tmp/over"))
            await session.Output.ContainsAsync("ready");
        await Check.EventuallyAsync(async () => await container.ShellAsync("cat /tmp/over 2>/dev/null || true") == "over", "the command has run to its end");
    }

    private static async Task MissingProgramAsync(SpecContext cri)
    {
        var container = await cri.SleeperAsync();
        await using var session = await cri.OpenExecAsync(container, RemoteProtocol.SpdyV4, _outputs, "/no/such/program");
        var outcome = await session.WaitAsync();
        Check.True(outcome.ExitCode is null or 126 or 127, $"{outcome.ExitCode}");
        Check.Contains("/no/such/program", outcome.Text + session.ErrorOutput);
    }

    private static async Task SignalAsync(SpecContext cri)
    {
        var container = await cri.SleeperAsync();
        await using var session = await cri.OpenShellAsync(container, _outputs, "kill -KILL $$");
        Check.Equal(137, (await session.WaitAsync()).ExitCode);
    }

    private static async Task EnvironmentAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("sleep 1000", config =>
        {
            config.Envs.Add(new Gantry.Cri.Api.KeyValue { Key = "MINE", Value = Google.Protobuf.ByteString.CopyFromUtf8("yes") });
            config.WorkingDir = "/tmp";
            config.Linux.SecurityContext.RunAsUser = new Gantry.Cri.Api.Int64Value { Value = 1000 };
        });
        await using var session = await cri.OpenExecAsync(container, RemoteProtocol.SpdyV4, _terminal, "sh", "-c", "echo $MINE $(pwd) $(id -u) $TERM $(tty)");
        await session.WaitAsync();
        Check.Contains("yes /tmp 1000 xterm /dev/pts/", session.Output.ToString());
    }

    /// <summary>A client that takes 64 KiB at a time and rests in between.</summary>
    private sealed class SlowStream(Stream inner) : Stream
    {
        public bool IsSlow { get; set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (IsSlow && !buffer.IsEmpty)
                await Task.Delay(5, cancellationToken);
            return await inner.ReadAsync(buffer, cancellationToken);
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => inner.WriteAsync(buffer, cancellationToken);

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
