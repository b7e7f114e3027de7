using System.Diagnostics;
using Gantry.Conformance.Streaming;

namespace Gantry.Conformance.Specs;

/// <summary>Clients at a container's own streams.</summary>
internal static class StreamingAttachSpecs
{
    private static readonly RemoteStreams _outputs = new();
    private static readonly RemoteStreams _all = new(Input: true);
    private static readonly RemoteStreams _terminal = new(Input: true, Terminal: true);

    public static IReadOnlyList<Spec> All { get; } =
    [
        .. new[] { RemoteProtocol.SpdyV4, RemoteProtocol.WebSocketV4, RemoteProtocol.WebSocketV5 }.Select(protocol => new Spec(
            $"streaming/attach-{protocol}", $"a shell is driven by attach over {protocol}, and everything that it writes before its end comes", cri => ShellAsync(cri, protocol))),
        new("streaming/attach-stdin-once", "with stdinOnce the end of the first client's input is the end of the container's", StdinOnceAsync),
        new("streaming/attach-stdin-kept", "without stdinOnce the input stays open for the next client", StdinKeptAsync),
        new("streaming/attach-several", "several clients see the same output", SeveralAsync),
        new("streaming/attach-terminal", "a container's terminal takes keys and sizes", TerminalAsync),
        new("streaming/attach-from-now", "a client gets what is written from then on, and the log has all", FromNowAsync),
        new("streaming/attach-without-input", "a container without an input is attached to all the same", WithoutInputAsync),
        new("streaming/attach-slow-client", "a client that does not read does not hold up the container", SlowClientAsync),
        new("streaming/attach-vanished-client", "clients that vanish leave nothing that slows or ends the container", VanishedAsync),
        new("streaming/attach-large-input", "a large input arrives whole, at the container's pace", LargeInputAsync),
    ];

    private static async Task ShellAsync(SpecContext cri, RemoteProtocol protocol)
    {
        var container = await ShellContainerAsync(cri, once: true);
        await using var session = await cri.OpenAttachAsync(container, protocol, _all);
        await session.WriteAsync("echo hello; echo oops >&2\n");
        await session.Output.ContainsAsync("hello\n");
        await session.ErrorOutput.ContainsAsync("oops\n");
        await session.WriteAsync("i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo line $i; done; exit 3\n");
        var outcome = await session.WaitAsync();
        Check.Equal(0, outcome.ExitCode);
        Check.Equal("hello\n" + string.Concat(Enumerable.Range(1, 2000).Select(n => $"line {n}\n")), session.Output.ToString());
        Check.Equal(3, (await container.WaitForExitAsync()).ExitCode);
    }

    private static async Task StdinOnceAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("cat; echo over", config => (config.Stdin, config.StdinOnce) = (true, true));
        await using var session = await cri.OpenAttachAsync(container, RemoteProtocol.SpdyV4, _all);
        await session.WriteAsync("input\n");
        await session.EndInputAsync();
        await session.WaitAsync();
        Check.Equal("input\nover\n", session.Output.ToString());
        Check.Equal(0, (await container.WaitForExitAsync()).ExitCode);
    }

    private static async Task StdinKeptAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("while read line; do echo got $line; [ $line = end ] && exit 7; done; exit 8", config => config.Stdin = true);
        foreach (var word in new[] { "one", "two" })
        {
            await using var session = await cri.OpenAttachAsync(container, RemoteProtocol.SpdyV4, _all);
            await session.WriteAsync($"{word}\n");
            await session.Output.ContainsAsync($"got {word}\n");
        }
        await using var last = await cri.OpenAttachAsync(container, RemoteProtocol.WebSocketV4, _all);
        await last.WriteAsync("end\n");
        await last.WaitAsync();
        Check.Equal(7, (await container.WaitForExitAsync()).ExitCode);
    }

    private static async Task SeveralAsync(SpecContext cri)
    {
        var container = await ShellContainerAsync(cri, once: true);
        await using var first = await cri.OpenAttachAsync(container, RemoteProtocol.SpdyV4, _all);
        await using var second = await cri.OpenAttachAsync(container, RemoteProtocol.WebSocketV4, _outputs);
        await using var third = await cri.OpenAttachAsync(container, RemoteProtocol.SpdyV4, _outputs);
        await Check.EventuallyAsync(
            async () =>
            {
                await first.WriteAsync("echo hello\n");
                return second.Output.ToString().Contains("hello", StringComparison.Ordinal) && third.Output.ToString().Contains("hello", StringComparison.Ordinal);
            },
            "all clients see it");
        await first.WriteAsync("echo bye; exit 0\n");
        foreach (var session in new[] { first, second, third })
        {
            await session.WaitAsync();
            Check.True(session.Output.ToString().EndsWith("bye\n", StringComparison.Ordinal), session.Output.ToString());
        }
    }

    private static async Task TerminalAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("while read line; do $line; done", config => (config.Stdin, config.Tty) = (true, true));
        await using var session = await cri.OpenAttachAsync(container, RemoteProtocol.SpdyV4, _terminal);
        await session.ResizeAsync(77, 11);
        await Check.EventuallyAsync(
            async () =>
            {
                await session.WriteAsync("stty size\n");
                await Task.Delay(100);
                return session.Output.ToString().Contains("11 77", StringComparison.Ordinal);
            },
            "the terminal has the client's size");
        await session.WriteAsync("exit 4\n");
        await session.WaitAsync();
        Check.Equal(4, (await container.WaitForExitAsync()).ExitCode);
    }

    private static async Task FromNowAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("echo before; read line; echo after", config => (config.Stdin, config.StdinOnce) = (true, true));
        await Check.EventuallyAsync(() => Task.FromResult(container.ReadLog("stdout") == "before\n"), "the log has the first line");
        await using var session = await cri.OpenAttachAsync(container, RemoteProtocol.SpdyV4, _all);
        await session.WriteAsync("go\n");
        await session.WaitAsync();
        Check.Equal("after\n", session.Output.ToString());
        await container.WaitForExitAsync();
        Check.Equal("before\nafter\n", container.ReadLog("stdout"));
    }

    private static async Task WithoutInputAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("i=0; while [ ! -e /tmp/end ]; do echo tick; sleep 0.1; done");
        await using var session = await cri.OpenAttachAsync(container, RemoteProtocol.SpdyV4, _all);
        await session.Output.ContainsAsync("tick");
        await session.WriteAsync("nobody reads this\n");
        await container.ShellAsync("touch /tmp/end");
        await session.WaitAsync();
        Check.Equal(0, (await container.WaitForExitAsync()).ExitCode);
    }

    private static async Task SlowClientAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("read line; head -c 60000000 /dev/zero | tr '\\0' x; exit 5", config => (config.Stdin, config.StdinOnce) = (true, true));
        var url = (await cri.Runtime.AttachAsync(new Gantry.Cri.Api.AttachRequest { ContainerId = container.Id, Stdout = true })).Url;
        await using var answer = await HttpUpgrade.AskForWebSocketAsync(cri.Settings, new Uri(url), RemoteProtocol.WebSocketV4.Name);
        Check.Equal(101, answer.Status);
        // This one reads nothing from here on.
        await using var session = await cri.OpenAttachAsync(container, RemoteProtocol.SpdyV4, new RemoteStreams(Input: true, Output: false, ErrorOutput: false));
        var clock = Stopwatch.StartNew();
        await session.WriteAsync("go\n");
        Check.Equal(5, (await container.WaitForExitAsync(TimeSpan.FromSeconds(60))).ExitCode);
        Check.True(clock.Elapsed < TimeSpan.FromSeconds(60), $"it took {clock.Elapsed}");
    }

    private static async Task VanishedAsync(SpecContext cri)
    {
        var container = await ShellContainerAsync(cri, once: false);
        for (var n = 0; n < 60; n++)
        {
            await using var session = await cri.OpenAttachAsync(container, n % 2 == 0 ? RemoteProtocol.SpdyV4 : RemoteProtocol.WebSocketV4, _all);
            if (n % 10 == 0)
                await session.WriteAsync($"echo {n}\n");
        }
        await using var last = await cri.OpenAttachAsync(container, RemoteProtocol.SpdyV4, _all);
        await last.WriteAsync("echo still; exit 6\n");
        await last.WaitAsync();
        Check.Contains("still", last.Output.ToString());
        Check.Equal(6, (await container.WaitForExitAsync()).ExitCode);
    }

    private static async Task LargeInputAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("sleep 1; wc -c", config => (config.Stdin, config.StdinOnce) = (true, true));
        await using var session = await cri.OpenAttachAsync(container, RemoteProtocol.SpdyV4, _all);
        await session.WriteAsync(new byte[5_000_000]);
        await session.EndInputAsync();
        await session.WaitAsync();
        Check.Equal("5000000", session.Output.ToString().Trim());
    }

    private static async Task<SpecContainer> ShellContainerAsync(SpecContext cri, bool once)
    {
        var pod = await cri.RunPodAsync();
        return await pod.RunShellAsync("exec sh", config => (config.Stdin, config.StdinOnce) = (true, once));
    }
}
