using System.Diagnostics;
using System.Text;
using Gantry.Conformance;
using Gantry.Conformance.Streaming;
using Gantry.NodeTests.Harness;
using Xunit;

namespace Gantry.NodeTests.Streaming;

/// <summary>`gantry exec`, `attach` and `port-forward`, as the shell and the terminal see them.</summary>
public sealed class CommandLineTests(NodeNetwork network) : IAsyncLifetime
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);
    private GantryNode _node = null!;
    private SpecContext _cri = null!;

    public async ValueTask InitializeAsync()
    {
        _node = await GantryNode.StartAsync(network);
        _cri = new SpecContext(_node.Cri, _node.Settings());
    }

    public async ValueTask DisposeAsync()
    {
        await _cri.DisposeAsync();
        await _node.DisposeAsync();
    }

    [Fact]
    public async Task Exec_CommandFails_ItsCodeIsTheProgramsAndItsOutputsAreApart()
    {
        var container = await _cri.SleeperAsync();

        var (code, output, errors) = await ShellAsync($"{Gantry} exec {container.Id} -- sh -c 'echo out; echo err >&2; exit 7'");

        Assert.Equal((7, "out\n", "err\n"), (code, output, errors));
    }

    [Fact]
    public async Task Exec_PipedInput_ArrivesWholeAndEnds()
    {
        var container = await _cri.SleeperAsync();

        var (code, output, errors) = await ShellAsync($"head -c 20000000 /dev/zero | {Gantry} exec -i {container.Id} -- wc -c");

        Assert.Equal((0, "20000000\n", ""), (code, output, errors));
    }

    [Fact]
    public async Task Exec_ReaderLeaves_TheCommandAndTheProgramEnd()
    {
        var container = await _cri.SleeperAsync();

        var (code, output, _) = await ShellAsync($"{{ {Gantry} exec {container.Id} -- yes; echo code $? >&3; }} 3>&2 | head -n 1");

        Assert.Equal((0, "y\n"), (code, output));
        await WithoutAsync(container, "yes");
    }

    [Fact]
    public async Task Exec_WithATerminal_HasItsSizeAndGivesItBackAsItWas()
    {
        var container = await _cri.SleeperAsync();
        var script = $"stty rows 33 cols 99; stty -g; {Gantry} exec -it {container.Id} -- sh -c 'until [ \"$(stty size)\" = \"33 99\" ]; do sleep 0.1; done; stty size; read word; echo got $word; exit 5'; echo code $?; stty -g; echo over";

        using var terminal = StartTerminal(script);
        var text = await ReadUntilAsync(terminal, "33 99");
        await terminal.StandardInput.WriteAsync("hello\r");
        text += await ReadUntilAsync(terminal, "over");

        Assert.Contains("got hello", text, StringComparison.Ordinal);
        Assert.Contains("code 5", text, StringComparison.Ordinal);
        var settings = text.Split("\r\n").Where(line => line.Count(letter => letter == ':') > 10).ToList();
        Assert.Equal(2, settings.Count);
        Assert.Equal(settings[0], settings[1]);
        await EndAsync(terminal);
    }

    [Fact]
    public async Task Exec_InterruptKeyInATerminal_IsTheCommands()
    {
        var container = await _cri.SleeperAsync();

        using var terminal = StartTerminal($"{Gantry} exec -it {container.Id} -- sh -c 'trap \"echo caught; exit 6\" INT; echo ready; while true; do sleep 0.1; done'; echo code $?");
        await ReadUntilAsync(terminal, "ready");
        await terminal.StandardInput.WriteAsync("\u0003");

        Assert.Contains("caught", await ReadUntilAsync(terminal, "code 6"), StringComparison.Ordinal);
        await EndAsync(terminal);
    }

    [Fact]
    public async Task Exec_ProgramKilledInATerminal_TheCommandIsHungUp()
    {
        var container = await _cri.SleeperAsync();

        using var terminal = StartTerminal($"echo pid $$; exec {Gantry} exec -it {container.Id} -- sh -c 'echo ready; exec sleep 1234'");
        var text = await ReadUntilAsync(terminal, "ready");
        Shell.Run("kill", "-KILL", text.Split("pid ")[1].Split('\r')[0]);

        await WithoutAsync(container, "sleep 1234");
        await EndAsync(terminal);
    }

    [Fact]
    public async Task Attach_DetachKeys_LeaveTheContainerRunning()
    {
        var pod = await _cri.RunPodAsync();
        var container = await pod.RunShellAsync("while read line; do echo got $line; [ $line = end ] && exit 3; done", config => (config.Stdin, config.Tty) = (true, true));

        using (var first = StartTerminal($"{Gantry} attach -it {container.Id}; echo code $?"))
        {
            await first.StandardInput.WriteAsync("hello\r");
            await ReadUntilAsync(first, "got hello");
            await first.StandardInput.WriteAsync("\u0010\u0011");
            await ReadUntilAsync(first, "code 0");
            await EndAsync(first);
        }
        using var second = StartTerminal($"{Gantry} attach -it {container.Id}; echo code $?");
        await second.StandardInput.WriteAsync("end\r");
        await ReadUntilAsync(second, "code 3");
        await EndAsync(second);
    }

    [Fact]
    public async Task PortForward_LocalPort_LeadsToThePodUntilItIsInterrupted()
    {
        var pod = await _cri.RunPodAsync();
        await pod.RunShellAsync("nc -ll -p 7007 -e cat");

        using var program = Start($"exec {Gantry} port-forward {pod.Id} :7007 2>&1");
        var line = await program.StandardOutput.ReadLineAsync().WaitAsync(_limit) ?? "";
        var port = int.Parse(line.Split(' ')[0].Split(':')[^1], System.Globalization.CultureInfo.InvariantCulture);
        var answers = new List<string>();
        foreach (var host in new[] { "127.0.0.1", "::1" })
            answers.Add(await EchoAsync(host, port));
        Shell.Run("kill", "-TERM", $"{program.Id}");
        await program.WaitForExitAsync().WaitAsync(_limit);

        Assert.Equal(["hello", "hello"], answers);
        Assert.Equal(130, program.ExitCode);
    }

    private string Gantry => $"{NodeNetwork.Programs}/gantry --endpoint unix://{_node.Socket}";

    private async Task<string> EchoAsync(string host, int port)
    {
        // The pod's server may have begun a moment ago: a port that is not open yet ends the connection.
        var until = Stopwatch.StartNew();
        while (true)
        {
            await using var stream = NetnsConnection.Connect(network.NetnsPath, host, port);
            try
            {
                await stream.WriteAsync("hello"u8.ToArray());
                var answer = new byte[5];
                await stream.ReadExactlyAsync(answer).AsTask().WaitAsync(_limit);
                return Encoding.ASCII.GetString(answer);
            }
            catch (IOException) when (until.Elapsed < _limit)
            {
                await Task.Delay(50);
            }
        }
    }

    private static Task WithoutAsync(SpecContainer container, string command) => NodeNetwork.WaitForAsync(
        async () => !(await container.ShellAsync("ps -o args")).Split('\n').Contains(command), _limit, $"the end of '{command}'");

    private async Task<(int Code, string Output, string Errors)> ShellAsync(string script)
    {
        using var process = Start(script);
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync().WaitAsync(_limit);
        await process.WaitForExitAsync().WaitAsync(_limit);
        return (process.ExitCode, output, await errors);
    }

    private Process Start(string script) => Process.Start(new ProcessStartInfo("nsenter", [$"--net={network.NetnsPath}", "--", "sh", "-c", script])
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;

    /// <summary>script(1) gives the program a terminal, and its own input and output are what is typed and shown.</summary>
    private Process StartTerminal(string script) => Process.Start(
        new ProcessStartInfo("nsenter", [$"--net={network.NetnsPath}", "--", "script", "-qfec", script, "/dev/null"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;

    private static async Task<string> ReadUntilAsync(Process terminal, string text)
    {
        var got = new StringBuilder();
        var buffer = new char[4096];
        while (!got.ToString().Contains(text, StringComparison.Ordinal))
        {
            var count = await terminal.StandardOutput.ReadAsync(buffer.AsMemory()).AsTask().WaitAsync(_limit);
            Assert.True(count > 0, $"the terminal ended before '{text}' came: {got}");
            got.Append(buffer, 0, count);
        }
        return got.ToString();
    }

    private static async Task EndAsync(Process terminal)
    {
        terminal.StandardInput.Close();
        await terminal.WaitForExitAsync().WaitAsync(_limit);
    }
}
