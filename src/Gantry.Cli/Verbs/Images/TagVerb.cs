using System.CommandLine;
using Gantry.Api;
using Gantry.Cli.Naming;
using Gantry.Cli.Options;

namespace Gantry.Cli.Verbs.Images;

/// <summary>`gantry image tag`: another name for an image.</summary>
internal static class TagVerb
{
    public static Command Create(GlobalOptions global, CompletionNames names)
    {
        var command = new Command("tag", "Give an image another name.");
        var image = new Argument<string>("image") { Description = "A name or id." };
        image.CompletionSources.Add(_ => names.Images);
        var name = new Argument<string>("name") { Description = "The new name, with its tag." };
        command.Arguments.Add(image);
        command.Arguments.Add(name);
        global.Attach(command, GlobalOptions.QuickLimit, async (session, parsed) =>
        {
            await session.Node.ImageStore.TagImageAsync(new TagImageRequest { Image = parsed.GetRequiredValue(image), Name = parsed.GetRequiredValue(name) }, cancellationToken: session.Cancel);
            return ExitCode.Ok;
        });
        return command;
    }
}
