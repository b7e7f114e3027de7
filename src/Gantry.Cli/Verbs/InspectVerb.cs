using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gantry.Cli.Naming;
using Gantry.Cli.Options;
using Gantry.Cli.Output;
using Gantry.Cri.Api;
using Google.Protobuf;
using Grpc.Core;

namespace Gantry.Cli.Verbs;

/// <summary>`gantry inspect`: all that the runtime tells of a pod, a container or an image.</summary>
internal static class InspectVerb
{
    private static readonly JsonFormatter _formatter = new(JsonFormatter.Settings.Default.WithFormatDefaultValues(true));

    public static Command Create(GlobalOptions global, CompletionNames names)
    {
        var command = new Command("inspect", "Show everything about a pod, a container or an image.");
        var target = new Argument<string>("name") { Description = "A pod, a container or an image; a pod goes first." };
        target.CompletionSources.Add(_ => names.PodsAndContainers.Concat(names.Images));
        var kind = new Option<string?>("--type") { Description = "pod, container or image.", HelpName = "kind" };
        kind.AcceptOnlyFromAmong("pod", "container", "image");
        command.Arguments.Add(target);
        command.Options.Add(kind);
        var output = OutputOptions.AddDocument(command);
        global.Attach(command, GlobalOptions.QuickLimit, async (session, parsed) =>
        {
            var name = parsed.GetRequiredValue(target);
            var asked = parsed.GetValue(kind);
            var inventory = asked is "image" ? new Inventory([], false) : await Inventory.ReadAsync(session.Node, session.Cancel);
            var document = await FindAsync(session, inventory, name, asked)
                ?? throw CommandException.NotFound($"{asked ?? "pod, container or image"} {name} not found.");
            Document.Write(session.Screen, output.Of(parsed), document);
            return ExitCode.Ok;
        });
        return command;
    }

    /// <summary>`gantry image inspect`.</summary>
    public static Command CreateOfImages(GlobalOptions global, CompletionNames names)
    {
        var command = new Command("inspect", "Show everything about an image.");
        var target = new Argument<string>("image") { Description = "A name or id." };
        target.CompletionSources.Add(_ => names.Images);
        command.Arguments.Add(target);
        var output = OutputOptions.AddDocument(command);
        global.Attach(command, GlobalOptions.QuickLimit, async (session, parsed) =>
        {
            var name = parsed.GetRequiredValue(target);
            Document.Write(session.Screen, output.Of(parsed), await ImageAsync(session, name) ?? throw CommandException.NotFound($"image {name} not found."));
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task<JsonNode?> FindAsync(Session session, Inventory inventory, string name, string? kind)
    {
        if (kind is null or "pod" && inventory.FindPod(name) is { } pod)
            return await PodAsync(session, pod);
        if (kind is null or "container" && inventory.FindContainer(name) is { } found)
            return await ContainerAsync(session, found.Pod, found.Container);
        return kind is null or "image" ? await ImageAsync(session, name) : null;
    }

    private static async Task<JsonNode> PodAsync(Session session, NodePod pod)
    {
        try
        {
            var answer = await session.Node.Runtime.PodSandboxStatusAsync(
                new PodSandboxStatusRequest { PodSandboxId = pod.Id, Verbose = true }, cancellationToken: session.Cancel);
            return Compose(answer.Status, answer.Info, pod.IsLocal ? PodJson.Of(pod) : null);
        }
        catch (RpcException failure) when (failure.StatusCode == StatusCode.NotFound && pod.IsLocal)
        {
            // A local pod between two sandboxes, or one that the CRI does not show at all.
            return new JsonObject { ["local"] = PodJson.Of(pod) };
        }
    }

    private static async Task<JsonNode> ContainerAsync(Session session, NodePod pod, NodeContainer container)
    {
        try
        {
            var answer = await session.Node.Runtime.ContainerStatusAsync(
                new ContainerStatusRequest { ContainerId = container.Id, Verbose = true }, cancellationToken: session.Cancel);
            return Compose(answer.Status, answer.Info, pod.IsLocal ? PodJson.Of(pod, container) : null);
        }
        catch (RpcException failure) when (failure.StatusCode == StatusCode.NotFound && pod.IsLocal)
        {
            return new JsonObject { ["local"] = PodJson.Of(pod, container) };
        }
    }

    private static async Task<JsonNode?> ImageAsync(Session session, string name)
    {
        var answer = await session.Node.Images.ImageStatusAsync(
            new ImageStatusRequest { Image = new ImageSpec { Image = name }, Verbose = true }, cancellationToken: session.Cancel);
        return answer.Image is null ? null : Compose(answer.Image, answer.Info, null);
    }

    private static JsonObject Compose(IMessage status, IDictionary<string, string> info, JsonObject? local)
    {
        var document = new JsonObject { ["status"] = JsonNode.Parse(_formatter.Format(status)) };
        if (local is not null)
            document["local"] = local;
        var verbose = new JsonObject();
        foreach (var (key, text) in info)
            verbose[key] = ParseOrText(text);
        document["info"] = verbose;
        return document;
    }

    /// <summary>Runtimes put JSON into the strings of the verbose answer; shown as a string nobody could read it.</summary>
    private static JsonNode? ParseOrText(string text)
    {
        if (text.AsSpan().TrimStart() is not ['{' or '[', ..])
            return JsonValue.Create(text);
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return JsonValue.Create(text);
        }
    }
}
