using System.CommandLine;
using Gantry.Cli.Naming;
using Gantry.Cli.Options;
using Gantry.Cri.Api;

namespace Gantry.Cli.Verbs;

/// <summary>`gantry rmi`: removes images; each is tried, and the worst code returned.</summary>
internal static class RemoveImageVerb
{
    public static Command Create(GlobalOptions global, CompletionNames names)
    {
        var command = new Command("rmi", "Remove images.");
        var images = new Argument<string[]>("image") { Arity = ArgumentArity.OneOrMore, Description = "Names or ids of images." };
        images.CompletionSources.Add(_ => names.Images);
        command.Arguments.Add(images);
        global.Attach(command, TimeSpan.FromMinutes(2), (session, parsed) =>
            ForEach.RunAsync(session, parsed.GetRequiredValue(images), image => RemoveAsync(session, image)));
        return command;
    }

    private static async Task RemoveAsync(Session session, string image)
    {
        var spec = new ImageSpec { Image = image };
        // The CRI calls it success to remove what is not there; someone who mistyped a name wants to hear of it.
        var status = await session.Node.Images.ImageStatusAsync(new ImageStatusRequest { Image = spec }, cancellationToken: session.Cancel);
        if (status.Image is null)
            throw CommandException.NotFound($"image {image} not found; see 'gantry images'.");
        await session.Node.Images.RemoveImageAsync(new RemoveImageRequest { Image = spec }, cancellationToken: session.Cancel);
        session.Screen.Out.WriteLine(image);
    }
}
