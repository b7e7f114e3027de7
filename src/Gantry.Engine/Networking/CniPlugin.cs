using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gantry.Concurrency;
using Gantry.Faults;
using Gantry.Linux.Processes;

namespace Gantry.Networking;

/// <summary>Runs one CNI plugin: configuration on its input, arguments in its environment, result on its output.</summary>
public sealed class CniPlugin(CniOptions options)
{
    private const int ResultLimit = 1 << 20;

    // A place comes free at the latest when the one that has it is killed.
    private readonly CallLimit _limit = new("CNI plugins", options.MaxParallel, options.Timeout + options.Timeout, TimeProvider.System);

    /// <summary>The program of that name in the first directory that has it.</summary>
    public string? Find(string type) => options.BinDirectories.Select(directory => Path.Combine(directory, type)).FirstOrDefault(File.Exists);

    /// <summary>What to say of a plugin that is not installed.</summary>
    public string Missing(string type, CniNetwork network) =>
        $"CNI plugin '{type}' of network {network.Name} ({network.File}) was not found in {string.Join(", ", options.BinDirectories)}: "
        + "install it (package containernetworking-plugins for the standard ones), or set cni.bin_dirs";

    /// <summary>Runs a command about a pod (ADD, DEL, CHECK) and returns its result; null where it printed none.</summary>
    /// <exception cref="WrongStateException">The plugin is not installed.</exception>
    /// <exception cref="ToolFailedException">It failed; the message has its own words.</exception>
    /// <exception cref="TimedOutException">It was killed when its time was up.</exception>
    /// <exception cref="UnavailableException">Too many of them run.</exception>
    public async Task<JsonObject?> RunAsync(string command, CniNetwork network, JsonObject request, NetworkAttachment pod, CancellationToken cancel)
    {
        using var place = await _limit.EnterAsync(cancel);
        return await ExecuteAsync(command, network, request, $"pod {pod.Name}: ", Arguments(pod), cancel);
    }

    /// <summary>Runs a command about the network itself (STATUS), beside however many run for pods.</summary>
    /// <inheritdoc cref="RunAsync"/>
    public Task<JsonObject?> AskAsync(string command, CniNetwork network, JsonObject request, CancellationToken cancel) =>
        ExecuteAsync(command, network, request, "", [], cancel);

    private async Task<JsonObject?> ExecuteAsync(string command, CniNetwork network, JsonObject request, string subject, List<string> about, CancellationToken cancel)
    {
        var type = (string)request["type"]!;
        var path = Find(type) ?? throw new WrongStateException($"{subject}{Missing(type, network)}");
        var result = await ToolRunner.RunAsync(
            new ToolRequest(path, [])
            {
                Environment =
                [
                    $"CNI_COMMAND={command}",
                    .. about,
                    $"CNI_PATH={string.Join(':', options.BinDirectories)}",
                    $"PATH={Environment.GetEnvironmentVariable("PATH") ?? "/usr/sbin:/usr/bin:/sbin:/bin"}",
                ],
                StandardInput = Encoding.UTF8.GetBytes(request.ToJsonString()),
                Timeout = options.Timeout,
                MaxOutputBytes = ResultLimit,
            },
            cancel);
        if (result.TimedOut)
        {
            throw new TimedOutException(
                $"{subject}CNI plugin {type} {command} of network {network.Name} did not end within {options.Timeout.TotalSeconds:0.###} s, and was killed; it can be tried again");
        }
        if (result.ExitCode != 0)
            throw Failure(command, type, network, subject, result);
        return Parse(result.Output, type);
    }

    private static List<string> Arguments(NetworkAttachment pod) =>
    [
        $"CNI_CONTAINERID={pod.Pod.Value}",
        $"CNI_NETNS={pod.NetnsPath}",
        "CNI_IFNAME=eth0",
        $"CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE={pod.Namespace};K8S_POD_NAME={pod.Name};K8S_POD_INFRA_CONTAINER_ID={pod.Pod.Value};K8S_POD_UID={pod.Uid}",
    ];

    private static ToolFailedException Failure(string command, string type, CniNetwork network, string subject, ToolResult result)
    {
        var errors = Encoding.UTF8.GetString(result.ErrorOutput).Trim();
        var words = errors;
        try
        {
            // The specification's error: code, msg, details.
            if (JsonNode.Parse(result.Output) is JsonObject error && (string?)error["msg"] is { } message)
                words = (string?)error["details"] is { Length: > 0 } details ? $"{message}: {details}" : message;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // A plugin that does not keep to the specification has said it on standard error.
        }
        if (words.Length == 0)
            words = $"it ended with {result.ExitCode} and said nothing";
        return new ToolFailedException(
            $"{subject}CNI plugin {type} {command} of network {network.Name} ({network.File}) failed: {words}", result.ExitCode, errors[Math.Max(0, errors.Length - 4096)..]);
    }

    private static JsonObject? Parse(byte[] output, string type)
    {
        if (output.AsSpan().Trim(" \n\t\r"u8).IsEmpty)
            return null;
        try
        {
            return JsonNode.Parse(output) as JsonObject ?? throw new ToolFailedException($"CNI plugin {type} printed a result that is no JSON object", 0, "");
        }
        catch (JsonException e)
        {
            throw new ToolFailedException($"CNI plugin {type} printed a result that is no JSON: {e.Message}", 0, "", e);
        }
    }
}
