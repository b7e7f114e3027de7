using Gantry.Cli.Connection;
using Grpc.Core;

namespace Gantry.Cli.Verbs;

/// <summary>Verbs over several names: one that fails is told of and does not keep the others from being done.</summary>
internal static class ForEach
{
    public static async Task<int> RunAsync(Session session, IEnumerable<string> names, Func<string, Task> verb)
    {
        var code = ExitCode.Ok;
        foreach (var name in names)
        {
            try
            {
                await verb(name);
            }
            catch (CommandException failure)
            {
                session.Screen.Fail(failure.Message);
                code = Worse(code, failure.ExitCode);
            }
            catch (RpcException failure) when (!session.Cancel.IsCancellationRequested)
            {
                var translated = CallFailure.Translate(failure, session.Node);
                // The next name would only say the same.
                if (translated.ExitCode == ExitCode.Unreachable)
                    throw translated;
                session.Screen.Fail(translated.Message);
                code = Worse(code, translated.ExitCode);
            }
        }
        return code;
    }

    // "Not found" is what remains only if nothing went worse.
    private static int Worse(int one, int other) => one is ExitCode.Ok or ExitCode.NotFound ? other : one;
}
