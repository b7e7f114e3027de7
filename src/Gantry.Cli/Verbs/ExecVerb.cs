using System.CommandLine;
using Gantry.Cli.Naming;
using Gantry.Cli.Options;
using Gantry.Cli.Streaming;
using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Cli.Verbs;

/// <summary>`gantry exec`: runs a command in a container, with this terminal's streams, and exits with its code.</summary>
internal static class ExecVerb
{
    public static Command Create(GlobalOptions global, CompletionNames names)
    {
        var command = new Command("exec", "Run a command in a container: gantry exec web -- ls -l /, gantry exec -it web -- sh");
        var remote = RemoteCommandVerb.Add(command, names);
        var words = new Argument<string[]>("command") { Arity = ArgumentArity.OneOrMore, Description = "The command and its arguments, after --." };
        command.Arguments.Add(words);
        global.Attach(command, fallbackLimit: null, async (session, parsed) =>
        {
            var container = await remote.FindAsync(session, parsed, "exec");
            return await RunAsync(session, parsed, remote, container, parsed.GetRequiredValue(words));
        });
        return command;
    }

    private static async Task<int> RunAsync(Session session, ParseResult parsed, RemoteCommandVerb remote, NodeContainer container, string[] words)
    {
        var (hasInput, hasTerminal) = (remote.HasInput(parsed), remote.HasTerminal(parsed));
        var request = new ExecRequest { ContainerId = container.Id, Stdin = hasInput, Stdout = true, Stderr = !hasTerminal, Tty = hasTerminal };
        request.Cmd.Add(words);
        try
        {
            var (result, _) = await remote.RunAsync(
                session, parsed, async () => (await session.Node.Runtime.ExecAsync(request, cancellationToken: session.Cancel)).Url, keys: null);
            return result.ExitCode ?? throw CommandException.Failed($"exec in {container.Name}: {result.Message}");
        }
        catch (StreamUnreachableException) when (!hasInput && !hasTerminal)
        {
            return await RunToEndAsync(session, container, words);
        }
        catch (StreamUnreachableException failure)
        {
            throw CommandException.Failed(failure.Message, failure);
        }
    }

    /// <summary>Over the CRI's own socket: the output comes when the command has ended.</summary>
    private static async Task<int> RunToEndAsync(Session session, NodeContainer container, string[] words)
    {
        var request = new ExecSyncRequest { ContainerId = container.Id };
        request.Cmd.Add(words);
        try
        {
            var answer = await session.Node.Runtime.ExecSyncAsync(request, cancellationToken: session.Cancel);
            session.Screen.WriteBytes(answer.Stdout.Span, toError: false);
            session.Screen.WriteBytes(answer.Stderr.Span, toError: true);
            return answer.ExitCode;
        }
        catch (RpcException failure) when (failure.StatusCode == StatusCode.ResourceExhausted)
        {
            throw CommandException.Failed($"exec in {container.Name}: the output is larger than one answer may be; write it to a file and take a part. ({failure.Status.Detail})");
        }
    }
}
