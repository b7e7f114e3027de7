using System.CommandLine;
using Gantry.Cli.Naming;
using Gantry.Cli.Options;
using Gantry.Cli.Streaming;
using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Cli.Verbs;

/// <summary>`gantry attach`: joins a container's own streams until it ends, and exits with its code, or until the detach keys.</summary>
internal static class AttachVerb
{
    private static readonly TimeSpan _exitPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);

    public static Command Create(GlobalOptions global, CompletionNames names)
    {
        var command = new Command("attach", "Join a running container's streams: gantry attach web, gantry attach -it shell");
        var remote = RemoteCommandVerb.Add(command, names);
        var keys = new Option<string>("--detach-keys")
        {
            Description = "With -it: the keys that leave, and let the container run on; empty for none.",
            HelpName = "keys",
            DefaultValueFactory = _ => DetachKeys.Default,
        };
        command.Options.Add(keys);
        global.Attach(command, fallbackLimit: null, async (session, parsed) =>
        {
            var detach = DetachKeys.Parse(parsed.GetValue(keys) ?? "");
            var container = await remote.FindAsync(session, parsed, "attach");
            return await RunAsync(session, parsed, remote, container, detach);
        });
        return command;
    }

    private static async Task<int> RunAsync(Session session, ParseResult parsed, RemoteCommandVerb remote, NodeContainer container, DetachKeys? keys)
    {
        var hasTerminal = remote.HasTerminal(parsed);
        var request = new AttachRequest { ContainerId = container.Id, Stdin = remote.HasInput(parsed), Stdout = true, Stderr = !hasTerminal, Tty = hasTerminal };
        try
        {
            var (result, isDetached) = await remote.RunAsync(
                session, parsed, async () => (await session.Node.Runtime.AttachAsync(request, cancellationToken: session.Cancel)).Url, keys);
            if (isDetached)
            {
                session.Screen.Note($"gantry: detached from {container.Name}, which runs on.");
                return ExitCode.Ok;
            }
            if (result.ExitCode is not { } code)
                throw CommandException.Failed($"attach to {container.Name}: {result.Message}");
            return code == 0 ? await ExitCodeAsync(session, container) : code;
        }
        catch (StreamUnreachableException failure)
        {
            throw CommandException.Failed(failure.Message, failure);
        }
    }

    /// <summary>The container's own code, where it has ended: its streams end a moment before that is known.</summary>
    private static async Task<int> ExitCodeAsync(Session session, NodeContainer container)
    {
        var until = session.Screen.Time.GetUtcNow() + _exitPatience;
        while (true)
        {
            try
            {
                var answer = await session.Node.Runtime.ContainerStatusAsync(new ContainerStatusRequest { ContainerId = container.Id }, cancellationToken: session.Cancel);
                if (answer.Status?.State is ContainerState.ContainerExited)
                    return answer.Status.ExitCode;
            }
            catch (RpcException failure) when (failure.StatusCode == StatusCode.NotFound)
            {
                return ExitCode.Ok;
            }
            if (session.Screen.Time.GetUtcNow() > until)
                return ExitCode.Ok;
            await Task.Delay(_pause, session.Screen.Time, session.Cancel);
        }
    }
}
