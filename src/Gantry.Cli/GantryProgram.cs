using System.CommandLine;
using System.CommandLine.Invocation;
using Gantry.Cli.Naming;
using Gantry.Cli.Output;
using Grpc.Core;

namespace Gantry.Cli;

/// <summary>One run of `gantry`: arguments in, an exit code out, and every failure as one line on standard error.</summary>
internal static class GantryProgram
{
    /// <summary>EPIPE, which .NET hands on as it is.</summary>
    private const int BrokenPipe = 32;

    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, Screen screen)
    {
        try
        {
            return await ParseAndRunAsync(arguments, screen);
        }
        catch (CommandException failure)
        {
            screen.Fail(failure.Message);
            return failure.ExitCode;
        }
        catch (RpcException failure)
        {
            // Verbs translate their own calls; this is the net for one that forgot.
            screen.Fail(failure.Status.Detail);
            return ExitCode.Failed;
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Interrupted;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // A reader that left ("gantry logs web | head") is no failure worth a line, whichever write found out first.
            if (screen.IsReaderGone || failure.HResult == BrokenPipe)
                return ExitCode.Ok;
            screen.Fail(failure.Message);
            return ExitCode.Failed;
        }
        finally
        {
            screen.Flush();
        }
    }

    private static string OneLine(string message) => string.Join(' ', message.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries));

    private static async Task<int> ParseAndRunAsync(IReadOnlyList<string> arguments, Screen screen)
    {
        var names = await CompletionNames.ForAsync(arguments, screen);
        var root = GantryCommand.Create(screen, names);
        // "@file" is no argument of ours: image names and commands may start with it.
        var parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0 && parsed.Action is ParseErrorAction)
        {
            var asked = parsed.CommandResult.Command;
            var name = asked is RootCommand ? "gantry" : "gantry " + asked.Name;
            throw CommandException.Usage($"{OneLine(parsed.Errors[0].Message)} See '{name} --help'.");
        }
        return await parsed.InvokeAsync(new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            Output = screen.Out,
            Error = screen.Error,
        });
    }
}
