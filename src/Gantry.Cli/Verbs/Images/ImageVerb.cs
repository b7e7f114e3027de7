using System.CommandLine;
using Gantry.Cli.Naming;
using Gantry.Cli.Options;

namespace Gantry.Cli.Verbs.Images;

/// <summary>`gantry image`: everything about images, those verbs too that have a short form of their own.</summary>
internal static class ImageVerb
{
    public static Command Create(GlobalOptions global, CompletionNames names)
    {
        var command = new Command("image", "Work with images: archives, space, pins, names.");
        var list = ImagesVerb.Create(global);
        list.Aliases.Add("list");
        list.Aliases.Add("ls");
        command.Subcommands.Add(list);
        command.Subcommands.Add(PullVerb.Create(global));
        command.Subcommands.Add(SaveVerb.Create(global, names));
        command.Subcommands.Add(LoadVerb.Create(global));
        command.Subcommands.Add(UsageVerb.CreateOfImages(global));
        command.Subcommands.Add(InspectVerb.CreateOfImages(global, names));
        command.Subcommands.Add(PruneVerb.Create(global));
        command.Subcommands.Add(PinVerb.Create(global, names, pin: true));
        command.Subcommands.Add(PinVerb.Create(global, names, pin: false));
        command.Subcommands.Add(TagVerb.Create(global, names));
        command.Subcommands.Add(PullsVerb.Create(global));
        var remove = RemoveImageVerb.Create(global, names);
        remove.Aliases.Add("rm");
        command.Subcommands.Add(remove);
        return command;
    }
}
