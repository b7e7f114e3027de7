using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Gantry.Api;
using Gantry.Cli.Naming;
using Gantry.Cli.Options;
using Gantry.Cli.Output;
using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Cli.Verbs;

/// <summary>`gantry events`: what happens to pods and containers from now on, until interrupted, from any CRI server.</summary>
internal static class EventsVerb
{
    public static Command Create(GlobalOptions global, CompletionNames names)
    {
        var command = new Command("events", "Show what happens to pods and containers, as it happens.");
        var targets = new Argument<string[]>("pod") { Arity = ArgumentArity.ZeroOrMore, Description = "Only of pods of that name, namespace/name or id." };
        targets.CompletionSources.Add(_ => names.Pods);
        var format = new Option<string>("--output", "-o") { Description = "How to print: table, json (one line an event).", HelpName = "format", DefaultValueFactory = _ => "table" };
        format.AcceptOnlyFromAmong("table", "json");
        command.Arguments.Add(targets);
        command.Options.Add(format);
        global.Attach(command, fallbackLimit: null, async (session, parsed) =>
        {
            var asked = parsed.GetValue(targets) ?? [];
            var isJson = parsed.GetValue(format) == "json";
            await foreach (var happened in ReadAsync(session))
            {
                if (asked.Length > 0 && !asked.Any(name => IsOf(happened, name)))
                    continue;
                if (isJson)
                    JsonLine.Write(session.Screen, ToJson(happened));
                else
                    session.Screen.Out.WriteLine(PlainText.Of(Line(happened)));
                session.Screen.Flush();
                if (session.Screen.IsReaderGone)
                    break;
            }
            return ExitCode.Ok;
        });
        return command;
    }

    /// <summary>Gantry's own events, in which local pods are too, or those of the CRI.</summary>
    private static async IAsyncEnumerable<ContainerEventResponse> ReadAsync(Session session)
    {
        using (var own = session.Node.Gantry.WatchEvents(new WatchEventsRequest(), cancellationToken: session.Cancel))
        {
            while (await NextOrNullAsync(own, session.Cancel) is { } isThere)
            {
                if (!isThere)
                    yield break;
                yield return own.ResponseStream.Current;
            }
        }
        using var cri = session.Node.Runtime.GetContainerEvents(new GetEventsRequest(), cancellationToken: session.Cancel);
        await foreach (var happened in cri.ResponseStream.ReadAllAsync(session.Cancel))
            yield return happened;
    }

    /// <summary>Null where the server speaks no gantry.v1, which it says at once.</summary>
    private static async Task<bool?> NextOrNullAsync(AsyncServerStreamingCall<ContainerEventResponse> call, CancellationToken cancel)
    {
        try
        {
            return await call.ResponseStream.MoveNext(cancel);
        }
        catch (RpcException failure) when (failure.StatusCode == StatusCode.Unimplemented)
        {
            return null;
        }
    }

    private static bool IsOf(ContainerEventResponse happened, string name)
    {
        var pod = happened.PodSandboxStatus;
        return pod is not null
            && (pod.Id.StartsWith(name, StringComparison.Ordinal) || pod.Metadata?.Name == name || $"{pod.Metadata?.Namespace}/{pod.Metadata?.Name}" == name);
    }

    private static string Line(ContainerEventResponse happened)
    {
        var time = DateTimeOffset.UnixEpoch.AddTicks(happened.CreatedAt / 100).ToLocalTime();
        var pod = happened.PodSandboxStatus?.Metadata is { } metadata ? (metadata.Namespace == "default" ? metadata.Name : $"{metadata.Namespace}/{metadata.Name}") : "?";
        var what = IsPod(happened) ? $"pod {pod}" : $"container {pod}/{Container(happened)?.Metadata?.Name ?? HumanText.ShortId(happened.ContainerId)}";
        return string.Create(CultureInfo.InvariantCulture, $"{time:HH:mm:ss.fff}  {Word(happened),-7}  {what}{End(happened)}");
    }

    private static string End(ContainerEventResponse happened) =>
        happened.ContainerEventType == ContainerEventType.ContainerStoppedEvent && Container(happened) is { State: ContainerState.ContainerExited } container
            ? $"  {container.Reason} ({container.ExitCode})"
            : "";

    private static JsonObject ToJson(ContainerEventResponse happened)
    {
        var pod = happened.PodSandboxStatus;
        var container = Container(happened);
        return new JsonObject
        {
            ["time"] = HumanText.Instant(happened.CreatedAt),
            ["event"] = Word(happened),
            ["kind"] = IsPod(happened) ? "pod" : "container",
            ["id"] = happened.ContainerId,
            ["pod"] = pod is null
                ? null
                : new JsonObject
                {
                    ["id"] = pod.Id,
                    ["name"] = pod.Metadata?.Name,
                    ["namespace"] = pod.Metadata?.Namespace,
                    ["uid"] = pod.Metadata?.Uid,
                    ["ready"] = pod.State == PodSandboxState.SandboxReady,
                },
            ["container"] = container is null
                ? null
                : new JsonObject
                {
                    ["name"] = container.Metadata?.Name,
                    ["state"] = ContainerStates.Show(container.State),
                    ["exitCode"] = container.State == ContainerState.ContainerExited ? container.ExitCode : null,
                    ["reason"] = container.Reason,
                    ["message"] = container.Message,
                },
        };
    }

    private static bool IsPod(ContainerEventResponse happened) => happened.ContainerId == happened.PodSandboxStatus?.Id;

    private static ContainerStatus? Container(ContainerEventResponse happened) => happened.ContainersStatuses.FirstOrDefault(status => status.Id == happened.ContainerId);

    private static string Word(ContainerEventResponse happened) => happened.ContainerEventType switch
    {
        ContainerEventType.ContainerCreatedEvent => "created",
        ContainerEventType.ContainerStartedEvent => "started",
        ContainerEventType.ContainerStoppedEvent => "stopped",
        ContainerEventType.ContainerDeletedEvent => "deleted",
        _ => "unknown",
    };
}
