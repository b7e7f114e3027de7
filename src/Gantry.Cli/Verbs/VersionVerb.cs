using System.CommandLine;
using System.Reflection;
using Gantry.Cli.Options;
using Gantry.Cli.Output;
using Gantry.Cri.Api;

namespace Gantry.Cli.Verbs;

/// <summary>`gantry version`: this program's, and the runtime's unless --client.</summary>
internal static class VersionVerb
{
    public static string Client { get; } =
        typeof(VersionVerb).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    public static Command Create(GlobalOptions global)
    {
        var command = new Command("version", "Show the versions of gantry and of the runtime.");
        var clientOnly = new Option<bool>("--client") { Description = "This program's alone; needs no daemon." };
        command.Options.Add(clientOnly);
        var output = OutputOptions.AddSingle(command);
        global.Attach(command, GlobalOptions.QuickLimit, async (session, parsed) =>
        {
            var facts = new Facts().Add("client", "Client", Client);
            if (!parsed.GetValue(clientOnly))
            {
                var answer = await session.Node.Runtime.VersionAsync(new VersionRequest { Version = "v1" }, cancellationToken: session.Cancel);
                facts.Add("runtime", "Runtime", answer.RuntimeName)
                    .Add("runtimeVersion", "Runtime version", answer.RuntimeVersion)
                    .Add("apiVersion", "CRI version", answer.RuntimeApiVersion);
            }
            facts.Write(session.Screen, output.Of(parsed));
            return ExitCode.Ok;
        });
        return command;
    }
}
