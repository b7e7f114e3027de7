using System.CommandLine;
using Gantry.Cli.Naming;
using Gantry.Cli.Options;
using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Cli.Verbs;

/// <summary>
/// `gantry exec`: runs a command in a container and exits with its code. Its output comes when it has ended (the CRI's
/// ExecSync); input and terminals need the streaming calls.
/// </summary>
internal static class ExecVerb
{
    public static Command Create(GlobalOptions global, CompletionNames names)
    {
        var command = new Command("exec", "Run a command in a container: gantry exec web -- ls -l /");
        var target = new Argument<string>("name") { Description = "A container, or a pod.", Arity = ArgumentArity.ExactlyOne };
        target.CompletionSources.Add(_ => names.PodsAndContainers);
        var words = new Argument<string[]>("command") { Arity = ArgumentArity.OneOrMore, Description = "The command and its arguments, after --." };
        var inPod = new Option<string?>("--container", "-c") { Description = "Which container of the pod.", HelpName = "name" };
        var input = new Option<bool>("--stdin", "-i") { Description = "Pass standard input on." };
        var terminal = new Option<bool>("--tty", "-t") { Description = "Give the command a terminal." };
        command.Arguments.Add(target);
        command.Arguments.Add(words);
        command.Options.Add(inPod);
        command.Options.Add(input);
        command.Options.Add(terminal);
        global.Attach(command, fallbackLimit: null, async (session, parsed) =>
        {
            if (parsed.GetValue(input) || parsed.GetValue(terminal))
                throw CommandException.Usage(
                    "exec -i and -t need streaming, which comes with a later version of gantry; run the command without them: its output is shown when it ends.");
            var inventory = await Inventory.ReadAsync(session.Node, session.Cancel);
            var (pod, container) = inventory.FindOne(parsed.GetRequiredValue(target), parsed.GetValue(inPod), session.Screen.Note);
            if (container.State is not "Running" and not "Unknown")
                throw CommandException.Failed($"container {container.Name} of pod {pod.FullName} is {container.State}; exec needs one that runs.");
            return await RunAsync(session, container, parsed.GetRequiredValue(words));
        });
        return command;
    }

    private static async Task<int> RunAsync(Session session, NodeContainer container, string[] words)
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
