using System.CommandLine;
using Gantry.Api;
using Gantry.Cli.Options;
using Gantry.Cli.Output;

namespace Gantry.Cli.Verbs.Images;

/// <summary>`gantry image prune`: removes what nothing needs.</summary>
internal static class PruneVerb
{
    public static Command Create(GlobalOptions global)
    {
        var command = new Command("prune", "Remove images without a name, and what failed pulls have left.");
        var all = new Option<bool>("--all", "-a") { Description = "All images that no container uses and nobody has pinned." };
        command.Options.Add(all);
        global.Attach(command, fallbackLimit: null, async (session, parsed) =>
        {
            var answer = await session.Node.ImageStore.PruneImagesAsync(new PruneImagesRequest { All = parsed.GetValue(all) }, cancellationToken: session.Cancel);
            foreach (var name in answer.Removed)
                session.Screen.Out.WriteLine(PlainText.Of(name));
            session.Screen.Note($"freed {HumanText.Size(answer.FreedBytes)}");
            return ExitCode.Ok;
        });
        return command;
    }
}
