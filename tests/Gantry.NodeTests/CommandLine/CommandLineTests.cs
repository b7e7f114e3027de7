using System.Text.Json.Nodes;
using Gantry.Conformance;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Xunit;

namespace Gantry.NodeTests.CommandLine;

/// <summary>The published gantry: what it prints where, and the codes that it ends with.</summary>
public sealed class CommandLineTests(NodeNetwork network, CommandLineTests.CommandNode shared) : IClassFixture<CommandLineTests.CommandNode>
{
    private const string Busybox = "docker.io/library/busybox:1.36";

    private GantryNode Node => shared.Node;

    [Fact]
    public void Help_IsOnStandardOutput()
    {
        var help = Node.Gantry("--help");

        Assert.Equal((0, ""), (help.Code, help.Error));
        Assert.Contains("gantry [command]", help.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pods")]
    [InlineData("ps")]
    [InlineData("images")]
    [InlineData("info")]
    [InlineData("version")]
    public void Listing_EachFormat_ParsesAndIsAloneOnStandardOutput(string verb)
    {
        var json = Node.Gantry(verb, "-o", "json");
        var yaml = Node.Gantry(verb, "-o", "yaml");
        var table = Node.Gantry(verb, "-o", "table");

        Assert.Equal((0, ""), (json.Code, json.Error));
        var parsed = JsonNode.Parse(json.Output)!;
        Assert.True(parsed is JsonArray { Count: > 0 } or JsonObject { Count: > 0 });
        Assert.Equal(0, yaml.Code);
        Assert.DoesNotContain("{\"", yaml.Output, StringComparison.Ordinal);
        Assert.Equal(0, table.Code);
        Assert.DoesNotContain('\u001b', table.Output);
        Assert.NotEqual(json.Output, yaml.Output);
    }

    [Fact]
    public void Quiet_IdsAlone_AreOneALine()
    {
        Assert.Matches("^[0-9a-f]{64}\n$", Node.Gantry("pods", "-q").Output);
        Assert.Matches("^[0-9a-f]{64}\n$", Node.Gantry("ps", "-q").Output);
        Assert.Matches("^(sha256:[0-9a-f]{64}\n)+$", Node.Gantry("images", "-q").Output);
    }

    [Theory]
    [InlineData("true", 0)]
    [InlineData("exit 42", 42)]
    [InlineData("kill -9 $$", 137)]
    public void Exec_Code_IsTheCommands(string script, int code) => Assert.Equal(code, Node.Gantry("exec", "web", "--", "sh", "-c", script).Code);

    [Fact]
    public void Exec_Streams_AreKeptApart()
    {
        var result = Node.Gantry("exec", "web", "--", "sh", "-c", "echo out; echo err >&2; printf 'a\\000b'");

        Assert.Equal(("out\na\0b", "err\n"), (result.Output, result.Error));
    }

    [Theory]
    [InlineData(4, "exec", "nobody", "--", "true")]
    [InlineData(4, "logs", "nobody")]
    [InlineData(4, "stop", "nobody")]
    [InlineData(4, "rm", "nobody")]
    [InlineData(4, "rmi", "nobody:1")]
    [InlineData(4, "inspect", "nobody")]
    [InlineData(4, "pull", "registry.test/library/busybox:none")]
    [InlineData(2, "pull", "No Such")]
    [InlineData(2, "run", "/no/such.yaml")]
    [InlineData(1, "rm", "web")]
    [InlineData(1, "exec", "web", "--", "/no/such")]
    public void Failure_Code_TellsItsKindAndTheWordsAreOnStandardError(int code, params string[] arguments)
    {
        var result = Node.Gantry(arguments);

        Assert.True(code == result.Code, $"{result.Code}: {result.Text}");
        Assert.Equal("", result.Output);
        Assert.StartsWith("gantry: ", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Several_OneIsNotThere_TheOthersAreDone()
    {
        Assert.Equal(0, Node.Gantry("pull", "docker.io/test/names:1").Code);

        var result = Node.Gantry("rmi", "nobody:1", "docker.io/test/names:1");

        Assert.Equal(4, result.Code);
        Assert.Equal("docker.io/test/names:1\n", result.Output);
        Assert.Contains("nobody:1 not found", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("web")]
    [InlineData("web/main")]
    [InlineData(Busybox)]
    public void Inspect_PodContainerImage_IsOneDocument(string name)
    {
        var result = Node.Gantry("inspect", name);

        Assert.True(result.Code == 0, result.Text);
        Assert.NotNull(JsonNode.Parse(result.Output)!["status"]!["id"]);
        Assert.Equal(0, Node.Gantry("inspect", name, "-o", "yaml").Code);
    }

    [Fact]
    public void Pull_NotATerminal_SaysALineForEachLayerAndTheIdAlone()
    {
        Node.Gantry("rmi", "docker.io/test/layers:latest");

        var result = Node.Gantry("pull", "docker.io/test/layers");

        Assert.Equal(0, result.Code);
        Assert.Matches("^sha256:[0-9a-f]{64}\n$", result.Output);
        Assert.Equal(8, result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Count(line => line.StartsWith("layer ", StringComparison.Ordinal)));
        Assert.DoesNotContain('\u001b', result.Error);
        Assert.Equal("", Node.Gantry("pull", "-q", "docker.io/test/layers").Error);
    }

    [Fact]
    public void Pull_ATerminal_IsRewrittenInPlace()
    {
        Node.Gantry("rmi", "docker.io/test/layers:latest");

        // script(1) gives it a terminal.
        var result = Shell.Capture("script", "-qec", $"TERM=xterm {NodeNetwork.Programs}/gantry --endpoint unix://{Node.Socket} pull docker.io/test/layers", "/dev/null");

        Assert.Equal(0, result.Code);
        Assert.Contains("\u001b[2K", result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("ps")]
    [InlineData("exec -it web -- true")]
    public void AnyVerb_InATerminal_LeavesTheModeOfItsKeys(string verb)
    {
        var result = Shell.Capture("nsenter", $"--net={network.NetnsPath}", "--",
            "script", "-qec", $"TERM=xterm {NodeNetwork.Programs}/gantry --endpoint unix://{Node.Socket} {verb}", "/dev/null");

        Assert.Equal(0, result.Code);
        // "Application mode", of .NET's Console: arrows are other keys then, for the container's program and for the user's shell after it.
        Assert.DoesNotContain("\u001b[?1h", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b=", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pull_Interrupted_EndsAtOnceAndLeavesNothing()
    {
        await using var registry = new ScriptedRegistry(network.NetnsPath);
        registry.ServeAs(Node, "stuck.test");
        registry["/v2/image/manifests/latest"] = new ScriptedAnswer(200, new byte[10]) { HangAfter = 0 };
        using var pull = Shell.StartInForeground($"{NodeNetwork.Programs}/gantry", "--endpoint", $"unix://{Node.Socket}", "pull", "stuck.test/image");
        await NodeNetwork.WaitForAsync(() => Task.FromResult(!registry.Requests.IsEmpty), TimeSpan.FromSeconds(20), "the pull");

        Shell.Run("kill", "-INT", $"{pull.Id}");

        await pull.WaitForExitAsync();
        Assert.Equal(130, pull.ExitCode);
    }

    [Fact]
    public async Task Timeout_OfACallThatHangs_IsSaid()
    {
        await using var registry = new ScriptedRegistry(network.NetnsPath);
        registry.ServeAs(Node, "stuck.test");
        registry["/v2/image/manifests/latest"] = new ScriptedAnswer(200, new byte[10]) { HangAfter = 0 };

        var result = Node.Gantry("pull", "--timeout", "1s", "stuck.test/image");

        Assert.Equal(1, result.Code);
        Assert.Contains("no answer within 1s", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Logs_Followed_GoOverRotationsUntilTheContainerEnds()
    {
        await using var cri = Node.Context();
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("i=0; while [ ! -e /tmp/end ]; do i=$((i+1)); echo $i; sleep 0.01; done; echo last");
        using var follow = Shell.Start($"{NodeNetwork.Programs}/gantry", "--endpoint", $"unix://{Node.Socket}", "logs", "-f", container.Id);
        var lines = new List<string>();
        for (var n = 0; n < 3; n++)
        {
            await Check.EventuallyAsync(() => Task.FromResult(File.Exists(container.LogPath) && LogEntry.ReadAll(container.LogPath).Count > 5), "some lines");
            // A file that is rotated before it is looked at belongs to the past.
            await ReadToAsync(LogEntry.ReadAll(container.LogPath)[0].Content);
            File.Move(container.LogPath, $"{container.LogPath}.{n}");
            await cri.Runtime.ReopenContainerLogAsync(new ReopenContainerLogRequest { ContainerId = container.Id });
        }

        await container.ExecAsync("touch", "/tmp/end");
        await ReadToAsync("last");
        Assert.Equal("", await follow.StandardOutput.ReadToEndAsync());
        await follow.WaitForExitAsync();

        Assert.Equal(0, follow.ExitCode);
        Assert.Equal(Enumerable.Range(1, lines.Count - 1).Select(n => $"{n}").Append("last"), lines);

        async Task ReadToAsync(string line)
        {
            while (!lines.Contains(line))
                lines.Add(await follow.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException($"ended before '{line}'"));
        }
    }

    [Fact]
    public async Task Logs_FollowedAndInterrupted_EndWithoutAWord()
    {
        using var follow = Shell.StartInForeground($"{NodeNetwork.Programs}/gantry", "--endpoint", $"unix://{Node.Socket}", "logs", "-f", "web");
        Assert.Equal("ready", await follow.StandardOutput.ReadLineAsync());

        Shell.Run("kill", "-INT", $"{follow.Id}");

        await follow.WaitForExitAsync();
        Assert.Equal((130, ""), (follow.ExitCode, await follow.StandardError.ReadToEndAsync()));
    }

    [Fact]
    public void Logs_ReaderLeaves_IsNoFailure()
    {
        var result = Shell.Capture("bash", "-c", $"set -o pipefail; {NodeNetwork.Programs}/gantry --endpoint unix://{Node.Socket} logs web | head -0");

        Assert.Equal("", result.Error);
    }

    [Theory]
    [InlineData("gantry ex", "exec")]
    [InlineData("gantry logs we", "web")]
    [InlineData("gantry inspect docker.io/library/busy", Busybox)]
    [InlineData("gantry ps --", "--all")]
    public void Completion_OfBash_OffersVerbsOptionsAndNames(string line, string expected)
    {
        var words = line.Split(' ');
        var script = $$"""
            export PATH={{NodeNetwork.Programs}}:$PATH GANTRY_ENDPOINT=unix://{{Node.Socket}}
            source <(gantry completion bash)
            COMP_LINE='{{line}}' COMP_POINT={{line.Length}} COMP_WORDS=({{line}}) COMP_CWORD={{words.Length - 1}}
            _gantry
            printf '%s\n' "${COMPREPLY[@]}"
            """;

        var result = Shell.Capture("bash", "-c", script);

        Assert.True(result.Code == 0 && result.Error == "", result.Text);
        Assert.Contains(expected, result.Output.Split('\n'));
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public void Completion_Script_IsReadByItsShell(string shell)
    {
        var script = Node.Gantry("completion", shell);
        Assert.Equal(0, script.Code);
        Assert.Contains("[suggest:", script.Output, StringComparison.Ordinal);
        if (Shell.Try("sh", "-c", $"command -v {shell}").Code != 0)
            Assert.Skip($"{shell} is not installed");
        var file = $"{Node.Directory}/completion.{shell}";
        File.WriteAllText(file, script.Output);

        var read = shell == "fish" ? Shell.Capture("fish", "--no-execute", file) : Shell.Capture(shell, "-n", file);

        Assert.True(read.Code == 0, read.Text);
    }

    [Fact]
    public void NoDaemon_IsThreeAndSaysWhatToDo()
    {
        var result = Shell.Capture($"{NodeNetwork.Programs}/gantry", "--endpoint", $"unix://{Node.Directory}/nobody.sock", "ps");

        Assert.Equal(3, result.Code);
        Assert.Contains("the daemon is not running", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void NotRoot_IsSaid()
    {
        var result = Shell.Capture("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", $"{NodeNetwork.Programs}/gantry", "--endpoint", $"unix://{Node.Socket}", "ps");

        Assert.Equal(3, result.Code);
        Assert.Contains("sudo", result.Error, StringComparison.Ordinal);
    }

    /// <summary>One with a local pod named web that says "ready".</summary>
    public sealed class CommandNode(NodeNetwork network) : SharedNode(network)
    {
        public override async ValueTask InitializeAsync()
        {
            await base.InitializeAsync();
            var manifest = $"{Node.Directory}/web.yaml";
            await File.WriteAllTextAsync(manifest, $$"""
                apiVersion: v1
                kind: Pod
                metadata: { name: web }
                spec:
                  terminationGracePeriodSeconds: 0
                  containers:
                  - { name: main, image: "{{Busybox}}", command: [sh, -c, "echo ready; exec sleep 100000"] }
                """);
            var run = Node.Gantry("run", manifest);
            Assert.True(run.Code == 0, run.Text);
        }
    }
}
