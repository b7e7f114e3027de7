using System.Globalization;
using System.Text.RegularExpressions;
using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Conformance.Specs;

/// <summary>Containers' logs.</summary>
internal static partial class LogSpecs
{
    public static IReadOnlyList<Spec> All { get; } =
    [
        new("logs/format", "each line has a time stamp with nanoseconds, the stream, a tag and the text", FormatAsync),
        new("logs/exists-at-start", "the log file exists when StartContainer returns", ExistsAsync),
        new("logs/long-lines", "a line over 16 KiB is split into parts tagged P, the last one F", LongLinesAsync),
        new("logs/no-newline", "what is written without a newline before the end is logged", NoNewlineAsync),
        new("logs/binary", "bytes that are no text are kept", BinaryAsync),
        new("logs/order", "the lines of a stream are in order and whole", OrderAsync),
        new("logs/reopen", "after the file was renamed, ReopenContainerLog goes on in a new one, which exists when it returns", ReopenAsync),
        new("logs/rotation", "lines are neither lost nor doubled while the log is rotated", RotationAsync),
        new("logs/reopen-exited", "only a running container's log can be reopened", ReopenExitedAsync),
        new("logs/none", "without a log path there is no log, and the container runs", NoneAsync),
        new("logs/status", "the status tells the log's absolute path", StatusAsync),
        new("logs/closed-output", "a container that closes its output goes on", ClosedOutputAsync),
    ];

    private static async Task FormatAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("echo out; echo err >&2; echo; echo '  spaces  '");
        await container.WaitForExitAsync();
        foreach (var line in File.ReadAllLines(container.LogPath))
            Check.True(Line().IsMatch(line), line);
        Check.Equal("out\n\n  spaces  \n", container.ReadLog("stdout"));
        Check.Equal("err\n", container.ReadLog("stderr"));
        var time = LogEntry.ReadAll(container.LogPath)[0].Time;
        var stamp = DateTimeOffset.Parse(time, CultureInfo.InvariantCulture);
        Check.True(Math.Abs((DateTimeOffset.UtcNow - stamp).TotalMinutes) < 1, time);
    }

    private static async Task ExistsAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("sleep 1000");
        Check.True(File.Exists(container.LogPath));
    }

    private static async Task LongLinesAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("head -c 40000 /dev/zero | tr '\\0' x; echo; echo short");
        await container.WaitForExitAsync();
        var lines = LogEntry.ReadAll(container.LogPath);
        Check.Equal("P", lines[0].Tag);
        Check.True(lines.All(line => line.Content.Length <= 16384));
        Check.Equal("F", lines[^2].Tag);
        Check.Equal(new string('x', 40000) + "\nshort\n", container.ReadLog("stdout"));
    }

    private static async Task NoNewlineAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("printf 'first\\nlast without'");
        await container.WaitForExitAsync();
        var lines = LogEntry.ReadAll(container.LogPath);
        Check.Equal("first", lines[0].Content);
        Check.Equal("last without", lines[1].Content);
    }

    private static async Task BinaryAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("printf 'a\\000\\377\\001b\\n'");
        await container.WaitForExitAsync();
        Check.Equal("a\0\u00ff\u0001b", LogEntry.ReadAll(container.LogPath).Single().Content);
    }

    private static async Task OrderAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("seq 1 20000");
        await container.WaitForExitAsync();
        Check.Equal(string.Concat(Enumerable.Range(1, 20000).Select(n => $"{n}\n")), container.ReadLog("stdout"));
    }

    private static async Task ReopenAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("while true; do echo line; sleep 0.05; done");
        await Check.EventuallyAsync(() => Task.FromResult(LogEntry.ReadAll(container.LogPath).Count > 0), "a line is logged");
        var old = container.LogPath + ".old";
        File.Move(container.LogPath, old);
        await cri.Runtime.ReopenContainerLogAsync(new ReopenContainerLogRequest { ContainerId = container.Id });
        Check.True(File.Exists(container.LogPath));
        await Check.EventuallyAsync(() => Task.FromResult(LogEntry.ReadAll(container.LogPath).Count > 0), "a line is in the new file");
        var before = LogEntry.ReadAll(old).Count;
        await Task.Delay(300);
        Check.Equal(before, LogEntry.ReadAll(old).Count);
    }

    private static async Task RotationAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("i=0; while [ $i -lt 30000 ]; do i=$((i+1)); echo $i; done; echo end; sleep 1000");
        var files = new List<string>();
        var done = false;
        while (!done)
        {
            var rotated = $"{container.LogPath}.{files.Count:D4}";
            File.Move(container.LogPath, rotated);
            files.Add(rotated);
            await cri.Runtime.ReopenContainerLogAsync(new ReopenContainerLogRequest { ContainerId = container.Id });
            done = LogEntry.ReadAll(rotated).Any(entry => entry.Content == "end");
            await Task.Delay(30);
            Check.True(files.Count < 2000, "the container does not end");
        }
        var all = files.Append(container.LogPath).SelectMany(LogEntry.ReadAll).Select(entry => entry.Content).ToList();
        var expected = Enumerable.Range(1, 30000).Select(n => $"{n}").Append("end").ToList();
        var wrong = expected.Zip(all).TakeWhile(pair => pair.First == pair.Second).Count();
        Check.True(
            wrong == expected.Count && all.Count == expected.Count,
            $"{all.Count} lines in {files.Count + 1} files; line {wrong + 1} is '{all.ElementAtOrDefault(wrong)}', where '{expected.ElementAtOrDefault(wrong)}' is expected");
    }

    private static async Task ReopenExitedAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("true");
        await container.WaitForExitAsync();
        File.Delete(container.LogPath);
        try
        {
            await cri.Runtime.ReopenContainerLogAsync(new ReopenContainerLogRequest { ContainerId = container.Id });
        }
        catch (RpcException)
        {
            Check.True(!File.Exists(container.LogPath));
            return;
        }
        throw new SpecFailedException("an exited container's log was reopened");
    }

    private static async Task NoneAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("echo nothing", config => config.LogPath = "");
        Check.Equal(0, (await container.WaitForExitAsync()).ExitCode);
    }

    private static async Task StatusAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.CreateShellAsync("true");
        Check.Equal(container.LogPath, (await container.StatusAsync()).LogPath);
    }

    private static async Task ClosedOutputAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("echo before; exec >&- 2>&-; sleep 0.3; exit 6");
        Check.Equal(6, (await container.WaitForExitAsync()).ExitCode);
        Check.Equal("before\n", container.ReadLog("stdout"));
    }

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d) (stdout|stderr) [FP] ")]
    private static partial Regex Line();
}
