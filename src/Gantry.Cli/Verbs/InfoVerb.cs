using System.CommandLine;
using System.Text.Json.Nodes;
using Gantry.Api;
using Gantry.Cli.Options;
using Gantry.Cli.Output;
using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Cli.Verbs;

/// <summary>`gantry info`: what the daemon is, where its files are, and what is wrong on the node.</summary>
internal static class InfoVerb
{
    public static Command Create(GlobalOptions global)
    {
        var command = new Command("info", "Show the daemon's state and what is wrong on the node.");
        command.Aliases.Add("daemon-status");
        var output = OutputOptions.AddSingle(command);
        global.Attach(command, GlobalOptions.QuickLimit, async (session, parsed) =>
        {
            var facts = await AskGantryAsync(session) ?? await AskCriAsync(session);
            facts.Write(session.Screen, output.Of(parsed));
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task<Facts?> AskGantryAsync(Session session)
    {
        try
        {
            var status = await session.Node.Gantry.DaemonStatusAsync(new DaemonStatusRequest(), cancellationToken: session.Cancel);
            return Describe(session, status);
        }
        catch (RpcException failure) when (failure.StatusCode == StatusCode.Unimplemented)
        {
            return null;
        }
    }

    private static Facts Describe(Session session, DaemonStatusResponse status)
    {
        var facts = new Facts()
            .Add("runtime", "Runtime", "gantry")
            .Add("version", "Version", status.Version)
            .Add("pid", "Process", status.Pid)
            .Add("startedAt", "Started", HumanText.Instant(status.StartedAtNanos),
                HumanText.Age(status.StartedAtNanos, session.Screen.Time.GetUtcNow()) + " ago")
            .Add("memoryBytes", "Memory", status.MemoryRssBytes, HumanText.Size(status.MemoryRssBytes))
            .Add("socket", "Socket", status.Socket)
            .Add("root", "Root", status.Root)
            .Add("state", "State", status.State)
            .Add("defaultHandler", "OCI runtime", status.DefaultHandler)
            .Add("cgroupMode", "Cgroups", status.CgroupMode)
            .Add("cniConfDirectory", "CNI configuration", status.CniConfDirectory)
            .Add("pods", "Pods", status.Pods)
            .Add("containersRunning", "", status.ContainersRunning)
            .Add("containers", "Containers", status.Containers, $"{status.Containers}, {status.ContainersRunning} running")
            .Add("images", "Images", status.Images);
        return AddConditions(facts, [.. status.Conditions.Select(condition => (condition.Name, condition.Ok, condition.Message))]);
    }

    private static async Task<Facts> AskCriAsync(Session session)
    {
        var version = await session.Node.Runtime.VersionAsync(new VersionRequest { Version = "v1" }, cancellationToken: session.Cancel);
        var status = await session.Node.Runtime.StatusAsync(new StatusRequest(), cancellationToken: session.Cancel);
        var facts = new Facts()
            .Add("runtime", "Runtime", version.RuntimeName)
            .Add("version", "Version", version.RuntimeVersion)
            .Add("socket", "Socket", session.Node.Endpoint.SocketPath);
        return AddConditions(facts, [.. (status.Status?.Conditions ?? []).Select(condition =>
            (condition.Type, condition.Status, string.Join(": ", new[] { condition.Reason, condition.Message }.Where(text => text.Length > 0))))]);
    }

    private static Facts AddConditions(Facts facts, IReadOnlyList<(string Name, bool Ok, string Message)> conditions)
    {
        facts.Add("conditions", "", new JsonArray([.. conditions.Select(condition => new JsonObject
        {
            ["name"] = condition.Name,
            ["ok"] = condition.Ok,
            ["message"] = condition.Message,
        })]));
        foreach (var (name, ok, message) in conditions)
        {
            var text = (ok ? "ok" : "NOT OK") + (message.Length > 0 ? ": " + message : "");
            facts.Add("conditions", name, null, text, ok ? Tone.Good : Tone.Bad);
        }
        return facts;
    }
}
