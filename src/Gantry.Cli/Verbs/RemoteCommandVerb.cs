using System.CommandLine;
using Gantry.Cli.Naming;
using Gantry.Cli.Options;
using Gantry.Cli.Streaming;

namespace Gantry.Cli.Verbs;

/// <summary>What `gantry exec` and `gantry attach` have in common: a container, and streams between it and this terminal.</summary>
internal sealed class RemoteCommandVerb
{
    private readonly Argument<string> _target = new("name") { Description = "A container, or a pod.", Arity = ArgumentArity.ExactlyOne };
    private readonly Option<string?> _inPod = new("--container", "-c") { Description = "Which container of the pod.", HelpName = "name" };
    private readonly Option<bool> _input = new("--stdin", "-i") { Description = "Pass standard input on." };
    private readonly Option<bool> _terminal = new("--tty", "-t") { Description = "Pass this terminal on: each key as it is typed, and its size." };
    private readonly StreamOptions _tls;

    private RemoteCommandVerb(Command command, CompletionNames names)
    {
        _target.CompletionSources.Add(_ => names.PodsAndContainers);
        command.Arguments.Add(_target);
        command.Options.Add(_inPod);
        command.Options.Add(_input);
        command.Options.Add(_terminal);
        _tls = StreamOptions.Add(command);
    }

    public static RemoteCommandVerb Add(Command command, CompletionNames names) => new(command, names);

    public bool HasInput(ParseResult parsed) => parsed.GetValue(_input);

    public bool HasTerminal(ParseResult parsed) => parsed.GetValue(_terminal);

    /// <summary>The running container that the user named.</summary>
    public async Task<NodeContainer> FindAsync(Session session, ParseResult parsed, string verb)
    {
        var inventory = await Inventory.ReadAsync(session.Node, session.Cancel);
        var (pod, container) = inventory.FindOne(parsed.GetRequiredValue(_target), parsed.GetValue(_inPod), session.Screen.Note);
        return container.State is "Running" or "Unknown"
            ? container
            : throw CommandException.Failed($"container {container.Name} of pod {pod.FullName} is {container.State}; {verb} needs one that runs.");
    }

    /// <summary>Connects the streams and moves bytes until the other side has ended.</summary>
    /// <param name="address">Asks the runtime for an address.</param>
    /// <param name="keys">Those that detach; null where nothing does.</param>
    /// <exception cref="StreamUnreachableException">Nothing answers at the address.</exception>
    public async Task<(RemoteResult Result, bool IsDetached)> RunAsync(Session session, ParseResult parsed, Func<Task<string>> address, DetachKeys? keys)
    {
        var (hasInput, hasTerminal) = (HasInput(parsed), HasTerminal(parsed));
        var tls = _tls.Of(parsed);
        using var terminal = hasTerminal
            ? LocalTerminal.TryEnter(hasInput) ?? throw CommandException.Usage("-t passes this terminal on, and standard input is none; leave -t out.")
            : null;
        using var input = hasInput ? new LocalInput(hasTerminal ? keys : null) : null;
        session.Screen.Flush();
        var local = new LocalStreams(input, session.Screen.OutputStream, session.Screen.ErrorStream, terminal?.Sizes);
        try
        {
            var result = await new RemoteCommandClient(address, tls).RunAsync(local, !hasTerminal, needsInputEnd: hasInput && !hasTerminal, session.Cancel);
            return (result, input is { IsDetached: true });
        }
        catch (ReaderLeftException)
        {
            return (new RemoteResult(ExitCode.ReaderLeft, ""), false);
        }
    }
}
