using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Gantry.Cli.Logs;
using Gantry.Cli.Naming;
using Gantry.Cli.Options;
using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Cli.Verbs;

/// <summary>`gantry logs`: a container's output, from the log file that its runtime writes; what it wrote to standard error goes there.</summary>
internal static class LogsVerb
{
    public static Command Create(GlobalOptions global, CompletionNames names)
    {
        var command = new Command("logs", "Show a container's output.");
        var target = new Argument<string>("name") { Description = "A pod, or a container." };
        target.CompletionSources.Add(_ => names.PodsAndContainers);
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on until the container ends, over rotated files too." };
        var tail = new Option<int?>("--tail") { Description = "The last so many lines alone.", HelpName = "lines", CustomParser = ParseTail };
        var since = new Option<string?>("--since") { Description = "Only what is newer: a duration (10m) or a time (2026-11-23T10:00:00Z).", HelpName = "when" };
        var timestamps = new Option<bool>("--timestamps") { Description = "Each line with its time." };
        var inPod = new Option<string?>("--container", "-c") { Description = "Which container of the pod.", HelpName = "name" };
        command.Arguments.Add(target);
        foreach (var option in (Option[])[follow, tail, since, timestamps, inPod])
            command.Options.Add(option);
        global.Attach(command, fallbackLimit: null, async (session, parsed) =>
        {
            var from = Since(parsed.GetValue(since), session.Screen.Time.GetUtcNow());
            var inventory = await Inventory.ReadAsync(session.Node, session.Cancel);
            var (pod, container) = inventory.FindOne(parsed.GetRequiredValue(target), parsed.GetValue(inPod), session.Screen.Note);
            var file = LogFile.Open(await PathAsync(session, pod, container));
            var reader = new LogReader(new LogPrinter(session.Screen, from, parsed.GetValue(timestamps)), session.Screen.Time);
            if (parsed.GetValue(follow))
                await reader.FollowAsync(file, parsed.GetValue(tail), () => HasEndedAsync(session, container.Id), session.Cancel);
            else
                reader.PrintAll(file, parsed.GetValue(tail));
            file.Dispose();
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task<string> PathAsync(Session session, NodePod pod, NodeContainer container)
    {
        if (container.LogPath.Length > 0)
            return container.LogPath;
        if (container.Id.Length == 0)
            throw CommandException.Failed($"container {container.Name} of pod {pod.FullName} has not been created yet, so it has no log. {container.Message}");
        var answer = await session.Node.Runtime.ContainerStatusAsync(
            new ContainerStatusRequest { ContainerId = container.Id }, cancellationToken: session.Cancel);
        return answer.Status?.LogPath is { Length: > 0 } path
            ? path
            : throw CommandException.Failed($"container {container.Name} of pod {pod.FullName} has no log file: it was created without log_path.");
    }

    private static async Task<bool> HasEndedAsync(Session session, string container)
    {
        try
        {
            var answer = await session.Node.Runtime.ContainerStatusAsync(
                new ContainerStatusRequest { ContainerId = container }, cancellationToken: session.Cancel);
            return answer.Status?.State == ContainerState.ContainerExited;
        }
        catch (RpcException failure) when (failure.StatusCode == StatusCode.NotFound)
        {
            return true;
        }
        catch (RpcException failure) when (failure.StatusCode == StatusCode.Unavailable)
        {
            // The daemon is being restarted; the container and its log go on.
            return false;
        }
    }

    private static int? ParseTail(ArgumentResult result)
    {
        var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var lines))
            return lines;
        // kubectl's word for all of them is -1; both are understood.
        if (text is not ("all" or "-1"))
            result.AddError($"--tail '{text}' is no number of lines.");
        return null;
    }

    private static DateTimeOffset? Since(string? text, DateTimeOffset now)
    {
        if (text is null)
            return null;
        if (Duration.TryParse(text, out var ago))
            return now - ago;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time
            : throw CommandException.Usage($"--since '{text}' is neither a duration (10m) nor a time (2026-11-23T10:00:00Z).");
    }
}
