using System.CommandLine;
using System.CommandLine.Help;
using Gantry.Cli.Naming;
using Gantry.Cli.Options;
using Gantry.Cli.Output;
using Gantry.Cli.Verbs;
using Gantry.Cli.Verbs.Images;

namespace Gantry.Cli;

/// <summary>The tree of verbs, built anew for each run: it holds no state beside the screen it writes to.</summary>
internal static class GantryCommand
{
    public static RootCommand Create(Screen screen, CompletionNames names)
    {
        var global = new GlobalOptions(screen);
        var root = new RootCommand("Runs pods on this machine and looks into any Kubernetes CRI runtime.");
        root.Options.Add(global.Endpoint);
        root.Options.Add(global.Timeout);
        // Asked of Console otherwise (OutputStreams).
        if (root.Options.OfType<HelpOption>().Single().Action is HelpAction help)
            help.MaxWidth = screen.Width;
        root.Subcommands.Add(RunVerb.Create(global));
        root.Subcommands.Add(PodsVerb.Create(global));
        root.Subcommands.Add(PsVerb.Create(global));
        root.Subcommands.Add(StatsVerb.Create(global, names));
        root.Subcommands.Add(EventsVerb.Create(global, names));
        root.Subcommands.Add(LogsVerb.Create(global, names));
        root.Subcommands.Add(ExecVerb.Create(global, names));
        root.Subcommands.Add(AttachVerb.Create(global, names));
        root.Subcommands.Add(PortForwardVerb.Create(global, names));
        root.Subcommands.Add(StopVerb.Create(global, names));
        root.Subcommands.Add(RemoveVerb.Create(global, names));
        root.Subcommands.Add(PullVerb.Create(global));
        root.Subcommands.Add(ImagesVerb.Create(global));
        root.Subcommands.Add(RemoveImageVerb.Create(global, names));
        root.Subcommands.Add(ImageVerb.Create(global, names));
        root.Subcommands.Add(RegistryVerb.Create(global));
        root.Subcommands.Add(CheckVerb.Create(global));
        root.Subcommands.Add(UsageVerb.CreateOfSystem(global));
        root.Subcommands.Add(InspectVerb.Create(global, names));
        root.Subcommands.Add(InfoVerb.Create(global));
        root.Subcommands.Add(VersionVerb.Create(global));
        root.Subcommands.Add(ConformanceVerb.Create(global));
        root.Subcommands.Add(CompletionVerb.Create(screen));
        return root;
    }
}
