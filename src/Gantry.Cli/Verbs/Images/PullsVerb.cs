using System.CommandLine;
using System.Text.Json.Nodes;
using Gantry.Api;
using Gantry.Cli.Options;
using Gantry.Cli.Output;

namespace Gantry.Cli.Verbs.Images;

/// <summary>`gantry image pulls`: what is being pulled just now, whoever asked for it.</summary>
internal static class PullsVerb
{
    private static readonly Listing<PullUnderWay> _pulls = new(
        [
            new("IMAGE", row => HumanText.Image(row.Image)),
            new("STAGE", row => row.Stage),
            new("RECEIVED", row => row.BytesTotal > 0 ? $"{HumanText.Size(row.BytesDone)} of {HumanText.Size(row.BytesTotal)}" : "", RightAligned: true),
            new("FOR", row => Duration.Show(TimeSpan.FromSeconds(Math.Round(row.Seconds))), RightAligned: true),
        ],
        row => new JsonObject { ["image"] = row.Image, ["stage"] = row.Stage, ["seconds"] = row.Seconds, ["bytesDone"] = row.BytesDone, ["bytesTotal"] = row.BytesTotal },
        row => row.Image);

    public static Command Create(GlobalOptions global)
    {
        var command = new Command("pulls", "List the pulls under way.");
        var output = OutputOptions.AddListing(command);
        global.Attach(command, GlobalOptions.QuickLimit, async (session, parsed) =>
        {
            var answer = await session.Node.ImageStore.ListPullsAsync(new ListPullsRequest(), cancellationToken: session.Cancel);
            _pulls.Write(session.Screen, output.Of(parsed), answer.Pulls);
            return ExitCode.Ok;
        });
        return command;
    }
}
