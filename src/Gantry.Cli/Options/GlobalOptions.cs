using System.CommandLine;
using Gantry.Cli.Connection;
using Gantry.Cli.Output;
using Grpc.Core;

namespace Gantry.Cli.Options;

/// <summary>The options that every verb takes, and the frame around a verb: connection, time limit, translated failures.</summary>
internal sealed class GlobalOptions(Screen screen)
{
    /// <summary>For calls that a healthy daemon answers at once; a hung one must not hang the shell.</summary>
    public static readonly TimeSpan QuickLimit = TimeSpan.FromSeconds(30);

    public Option<string?> Endpoint { get; } = new("--endpoint")
    {
        Description = "The CRI server's socket. Default: $GANTRY_ENDPOINT, then unix:///run/gantry/gantry.sock.",
        HelpName = "unix:///path",
        Recursive = true,
    };

    public Option<TimeSpan?> Timeout { get; } = new("--timeout")
    {
        Description = "Give up after this long (10s, 2m, 1h30m). Default: 30s for questions, none for run, pull, logs, exec, attach and port-forward.",
        HelpName = "duration",
        Recursive = true,
        CustomParser = Duration.ParseOption,
    };

    /// <summary>Makes <paramref name="command"/> run <paramref name="verb"/> with a connection and under the time limit.</summary>
    /// <param name="fallbackLimit">The limit where the user gave none; null for none.</param>
    public void Attach(Command command, TimeSpan? fallbackLimit, Func<Session, ParseResult, Task<int>> verb) =>
        command.SetAction((parsed, cancel) => RunAsync(parsed, fallbackLimit, verb, cancel));

    private async Task<int> RunAsync(
        ParseResult parsed, TimeSpan? fallbackLimit, Func<Session, ParseResult, Task<int>> verb, CancellationToken cancel)
    {
        var endpoint = Connection.Endpoint.Choose(parsed.GetValue(Endpoint), screen.Environment("GANTRY_ENDPOINT"));
        var limit = parsed.GetValue(Timeout) ?? fallbackLimit;
        using var timer = new CancellationTokenSource();
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, timer.Token);
        if (limit is { } some)
            timer.CancelAfter(some);
        using var node = new NodeConnection(endpoint);
        try
        {
            return await verb(new Session(node, screen, both.Token), parsed);
        }
        catch (RpcException failure) when (failure.StatusCode != StatusCode.Cancelled || !both.IsCancellationRequested)
        {
            throw CallFailure.Translate(failure, node);
        }
        catch (Exception failure) when (failure is RpcException or OperationCanceledException && timer.IsCancellationRequested)
        {
            throw CommandException.Failed(
                $"{endpoint}: no answer within {Duration.Show(limit!.Value)}; give more time with --timeout, or look at the daemon's log.",
                failure);
        }
        catch (RpcException failure)
        {
            throw new OperationCanceledException("interrupted", failure, cancel);
        }
    }
}
