using System.CommandLine;
using Gantry.Api;
using Gantry.Cli.Options;
using Gantry.Cli.Output;
using Grpc.Core;

namespace Gantry.Cli.Verbs.Images;

/// <summary>`gantry fsck`: verifies images on disk; fails where something is damaged and was not repaired.</summary>
internal static class CheckVerb
{
    public static Command Create(GlobalOptions global)
    {
        var command = new Command("fsck", "Verify every blob and unpacked layer of the node's images.");
        var repair = new Option<bool>("--repair") { Description = "Fetch damaged blobs again, and unpack damaged layers again." };
        command.Options.Add(repair);
        global.Attach(command, fallbackLimit: null, async (session, parsed) =>
        {
            using var call = session.Node.ImageStore.CheckImages(new CheckImagesRequest { Repair = parsed.GetValue(repair) }, cancellationToken: session.Cancel);
            var (found, repaired) = (0, 0);
            await foreach (var message in call.ResponseStream.ReadAllAsync(session.Cancel))
            {
                if (message.Finding is { } finding)
                {
                    found++;
                    repaired += finding.Repaired ? 1 : 0;
                    session.Screen.Out.WriteLine(PlainText.Of($"{finding.Subject} of {finding.Image}: {finding.Problem} ({finding.Repair})"));
                }
                if (message.Summary is { } summary)
                    session.Screen.Note($"{summary.Blobs} blobs and {summary.Layers} layers, {HumanText.Size(summary.Bytes)}: {(found == 0 ? "all whole" : $"{found} damaged, {repaired} repaired")}");
            }
            return found == repaired ? ExitCode.Ok : ExitCode.Failed;
        });
        return command;
    }
}
