using System.Text.Json.Nodes;
using Gantry.Cli.Naming;
using Gantry.Cli.Output;

namespace Gantry.Cli.Verbs;

/// <summary>Pods and containers as -o json prints them; fields are added, never renamed (docs/cli.md).</summary>
internal static class PodJson
{
    public static JsonObject Of(NodePod pod) => new()
    {
        ["id"] = pod.Id,
        ["name"] = pod.Name,
        ["namespace"] = pod.Namespace,
        ["uid"] = pod.Uid,
        ["phase"] = pod.Phase,
        ["addresses"] = new JsonArray([.. pod.Addresses.Select(address => JsonValue.Create(address))]),
        ["local"] = pod.IsLocal,
        ["createdAt"] = HumanText.Instant(pod.CreatedAt),
        ["containers"] = new JsonArray([.. pod.Containers.Select(Of)]),
    };

    public static JsonObject Of(NodePod pod, NodeContainer container)
    {
        var json = Of(container);
        json["pod"] = new JsonObject
        {
            ["id"] = pod.Id,
            ["name"] = pod.Name,
            ["namespace"] = pod.Namespace,
            ["local"] = pod.IsLocal,
        };
        return json;
    }

    private static JsonObject Of(NodeContainer container) => new()
    {
        ["id"] = container.Id,
        ["name"] = container.Name,
        ["image"] = container.Image,
        ["state"] = container.State,
        ["exitCode"] = container.ExitCode,
        ["reason"] = container.Reason,
        ["message"] = container.Message,
        ["restarts"] = container.Restarts,
        ["createdAt"] = HumanText.Instant(container.CreatedAt),
        ["finishedAt"] = HumanText.Instant(container.FinishedAt),
        ["logPath"] = container.LogPath,
    };
}
