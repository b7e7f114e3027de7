using System.CommandLine;
using Gantry.Api;
using Gantry.Cli.Naming;
using Gantry.Cli.Options;

namespace Gantry.Cli.Verbs.Images;

/// <summary>`gantry image pin` and `unpin`: images that the kubelet must not collect.</summary>
internal static class PinVerb
{
    public static Command Create(GlobalOptions global, CompletionNames names, bool pin)
    {
        var command = new Command(pin ? "pin" : "unpin", pin ? "Keep images whatever the kubelet's collection says." : "Let images be collected again.");
        var images = new Argument<string[]>("image") { Arity = ArgumentArity.OneOrMore, Description = "Names or ids of images." };
        images.CompletionSources.Add(_ => names.Images);
        command.Arguments.Add(images);
        global.Attach(command, GlobalOptions.QuickLimit, (session, parsed) => ForEach.RunAsync(session, parsed.GetRequiredValue(images), async image =>
        {
            await session.Node.ImageStore.PinImageAsync(new PinImageRequest { Image = image, Pinned = pin }, cancellationToken: session.Cancel);
            session.Screen.Out.WriteLine(image);
        }));
        return command;
    }
}
