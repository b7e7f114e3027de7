using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gantry.Cgroups;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Linux;
using Gantry.Linux.Processes;
using Gantry.Oci.Spec;
using Gantry.Persistence;

namespace Gantry.Oci;

/// <summary>crun and runc, whose command lines are alike.</summary>
public sealed class RuntimeCommand(RuntimeHandler handler) : IContainerRuntime
{
    private const int ExecOutputLimit = 16 << 20;
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);

    public RuntimeHandler Handler { get; } = handler;

    public async Task StartAsync(ContainerId id, CancellationToken cancel) => Check("start", id, await RunAsync(["start", id.Value], cancel));

    public async Task KillAsync(ContainerId id, int signal, CancellationToken cancel)
    {
        var result = await RunAsync(["kill", id.Value, signal.ToString(CultureInfo.InvariantCulture)], cancel);
        if (result.ExitCode != 0 && !IsGone(result))
            Check("kill", id, result);
    }

    public async Task DeleteAsync(ContainerId id, bool force, CancellationToken cancel)
    {
        // Without its state there is nothing to delete, and no process to ask.
        if (!Directory.Exists(Path.Combine(Handler.Root, id.Value)))
            return;
        var result = await RunAsync(force ? ["delete", "--force", id.Value] : ["delete", id.Value], cancel);
        if (result.ExitCode != 0 && !IsGone(result))
            Check("delete", id, result);
    }

    public async Task<RuntimeState?> StateAsync(ContainerId id, CancellationToken cancel)
    {
        var result = await RunAsync(["state", id.Value], cancel);
        if (result.ExitCode != 0 && IsGone(result))
            return null;
        Check("state", id, result);
        try
        {
            var state = JsonNode.Parse(result.Output);
            return new RuntimeState((string?)state?["status"] ?? "", (int?)state?["pid"] ?? 0);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new ToolFailedException($"container {id.Short}: {Handler.Name} state printed something that is no state: {e.Message}", 0, "", e);
        }
    }

    public async Task UpdateAsync(ContainerId id, LinuxResources resources, CancellationToken cancel)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(OciResourcesFrom.Limits(resources), OciJson.Default.OciResources);
        var result = await RunAsync(["update", "--resources", "-", id.Value], cancel, json);
        Check("update", id, result);
    }

    public async Task<ExecResult> ExecAsync(ContainerId id, OciProcess process, TimeSpan? timeout, string scratchDirectory, CancellationToken cancel)
    {
        var name = Path.Combine(scratchDirectory, $"exec-{Guid.NewGuid():N}");
        var processFile = name + ".json";
        var pidFile = name + ".pid";
        AtomicFile.Write(processFile, JsonSerializer.SerializeToUtf8Bytes(process, OciJson.Default.OciProcess));
        try
        {
            var result = await ToolRunner.RunAsync(
                new ToolRequest(Handler.Path, [.. Handler.GlobalArguments, "exec", "--process", processFile, "--pid-file", pidFile, id.Value])
                {
                    Timeout = timeout ?? Timeout.InfiniteTimeSpan,
                    MaxOutputBytes = ExecOutputLimit,
                    // The runtime's own end would orphan the process in the container.
                    BeforeKill = () => KillByFile(pidFile),
                },
                cancel);
            if (result.TimedOut)
                throw new TimedOutException($"exec in container {id.Short}: {process.Args[0]} did not end within {timeout!.Value.TotalSeconds:0.###} s, and was killed");
            return new ExecResult(result.ExitCode, result.Output, result.ErrorOutput);
        }
        finally
        {
            File.Delete(processFile);
            File.Delete(pidFile);
        }
    }

    private static void KillByFile(string pidFile)
    {
        try
        {
            if (int.TryParse(File.ReadAllText(pidFile), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && pid > 1)
                Signals.Send(pid, Signals.Kill);
        }
        catch (IOException)
        {
            // Not started yet: killing the runtime is enough.
        }
    }

    private async Task<ToolResult> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancel, byte[]? input = null)
    {
        try
        {
            return await ToolRunner.RunAsync(
                new ToolRequest(Handler.Path, [.. Handler.GlobalArguments, .. arguments]) { Timeout = _deadline, StandardInput = input ?? [] }, cancel);
        }
        catch (SyscallException e) when (e.Errno is Errno.ENOENT)
        {
            throw new ToolFailedException($"OCI runtime {Handler.Name} was not found at {Handler.Path}: install it, or correct runtime.handlers in the configuration", -1, "", e);
        }
    }

    private static bool IsGone(ToolResult result)
    {
        var text = Encoding.UTF8.GetString(result.ErrorOutput);
        return text.Contains("does not exist", StringComparison.Ordinal) || text.Contains("not running", StringComparison.Ordinal)
            || text.Contains("No such process", StringComparison.Ordinal) || text.Contains("No such file or directory", StringComparison.Ordinal)
            || text.Contains("process already finished", StringComparison.Ordinal) || text.Contains("stopped", StringComparison.Ordinal);
    }

    private void Check(string verb, ContainerId id, ToolResult result)
    {
        if (result.ExitCode == 0)
            return;
        if (result.TimedOut)
            throw new TimedOutException($"container {id.Short}: {Handler.Name} {verb} did not end within {_deadline.TotalSeconds:0} s, and was killed");
        var words = Encoding.UTF8.GetString(result.ErrorOutput).Trim();
        words = words[Math.Max(0, words.Length - 4096)..];
        throw new ToolFailedException($"container {id.Short}: {Handler.Name} {verb} failed: {(words.Length > 0 ? words : $"it ended with {result.ExitCode}")}", result.ExitCode, words);
    }
}
