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

namespace Gantry.Oci;

/// <summary>crun and runc, whose command lines are alike.</summary>
public sealed class RuntimeCommand(RuntimeHandler handler, RuntimeLimits limits, ExecSpawner execs) : IContainerRuntime
{
    private static readonly TimeSpan _featuresDeadline = TimeSpan.FromSeconds(10);
    private readonly RuntimeExec _exec = new(handler, limits, execs);
    private Task<RuntimeFeatures>? _features;

    public RuntimeHandler Handler { get; } = handler;

    public Task<RuntimeFeatures> FeaturesAsync() => _features ??= AskFeaturesAsync();

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
        // Not "-": crun opens /dev/stdin for it, which not every machine has.
        var result = await RunAsync(["update", "--resources", "/proc/self/fd/0", id.Value], cancel, json);
        Check("update", id, result);
    }

    public Task<RunningProcess> StartProcessAsync(ContainerId id, OciProcess process, bool hasInput, string folder, CancellationToken cancel) =>
        _exec.StartAsync(id, process, hasInput, folder, cancel);

    private async Task<RuntimeFeatures> AskFeaturesAsync()
    {
        try
        {
            var result = await ToolRunner.RunAsync(new ToolRequest(Handler.Path, ["features"]) { Timeout = _featuresDeadline, Environment = Handler.ProcessEnvironment }, CancellationToken.None);
            return result.ExitCode == 0 ? RuntimeFeatures.Parse(result.Output) : RuntimeFeatures.Unknown;
        }
        catch (SyscallException)
        {
            // Not installed, which is no answer: it is asked again when it may be.
            _features = null;
            return RuntimeFeatures.Unknown;
        }
    }

    private async Task<ToolResult> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancel, byte[]? input = null)
    {
        using var place = await limits.Calls.EnterAsync(cancel);
        try
        {
            return await ToolRunner.RunAsync(
                new ToolRequest(Handler.Path, [.. Handler.GlobalArguments, .. arguments])
                {
                    Copy = Handler.Program.Current(),
                    Timeout = limits.Deadline,
                    StandardInput = input ?? [],
                    Environment = Handler.ProcessEnvironment,
                },
                cancel);
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
            throw new TimedOutException($"container {id.Short}: {Handler.Name} {verb} did not end within {limits.Deadline.TotalSeconds:0.###} s, and was killed");
        var words = Encoding.UTF8.GetString(result.ErrorOutput).Trim();
        words = words[Math.Max(0, words.Length - 4096)..];
        throw new ToolFailedException($"container {id.Short}: {Handler.Name} {verb} failed: {(words.Length > 0 ? words : $"it ended with {result.ExitCode}")}", result.ExitCode, words);
    }
}
