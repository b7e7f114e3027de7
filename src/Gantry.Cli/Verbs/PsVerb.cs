using System.CommandLine;
using System.Globalization;
using Gantry.Cli.Naming;
using Gantry.Cli.Options;
using Gantry.Cli.Output;

namespace Gantry.Cli.Verbs;

/// <summary>
/// `gantry ps`: containers. With gantry's daemon those of local pods, elsewhere those of the CRI; running ones, and with
/// --all also those that have exited and those of the kubelet's pods.
/// </summary>
internal static class PsVerb
{
    public static Command Create(GlobalOptions global)
    {
        var command = new Command("ps", "List containers.");
        var all = new Option<bool>("--all", "-a") { Description = "Exited containers and those of the kubelet's pods too." };
        command.Options.Add(all);
        var output = OutputOptions.AddListing(command);
        global.Attach(command, GlobalOptions.QuickLimit, async (session, parsed) =>
        {
            var inventory = await Inventory.ReadAsync(session.Node, session.Cancel);
            var everything = parsed.GetValue(all);
            var shown = inventory.Containers
                .Where(one => everything || (IsAlive(one.Container) && (one.Pod.IsLocal || !inventory.IsGantry)))
                .ToList();
            var format = output.Of(parsed);
            ListingFor(session.Screen.Time.GetUtcNow()).Write(session.Screen, format, shown);
            var hidden = inventory.Containers.Count() - shown.Count;
            if (hidden > 0 && shown.Count == 0 && format == OutputFormat.Table && session.Screen.ErrorIsTerminal)
                session.Screen.Note($"{hidden} more (exited, or of the kubelet's pods): gantry ps --all");
            return ExitCode.Ok;
        });
        return command;
    }

    // One that waits for its next start belongs to a pod that is meant to run.
    private static bool IsAlive(NodeContainer container) => container.State is "Running" or "Waiting" or "Created";

    private static Listing<(NodePod Pod, NodeContainer Container)> ListingFor(DateTimeOffset now) => new(
        [
            new("CONTAINER ID", one => HumanText.ShortId(one.Container.Id), _ => Tone.Faint),
            new("POD", one => one.Pod.Namespace == "default" ? one.Pod.Name : one.Pod.FullName),
            new("NAME", one => one.Container.Name),
            new("IMAGE", one => HumanText.Image(one.Container.Image)),
            new("STATE", one => State(one.Container), one => Tones.OfState(one.Container.State)),
            new("RESTARTS", one => one.Container.Restarts.ToString(CultureInfo.InvariantCulture), RightAligned: true),
            new("AGE", one => HumanText.Age(one.Container.CreatedAt, now), RightAligned: true),
        ],
        one => PodJson.Of(one.Pod, one.Container),
        one => one.Container.Id);

    private static string State(NodeContainer container) => container switch
    {
        { ExitCode: { } code, Reason: "" } => $"{container.State} ({code})",
        { ExitCode: { } code } => $"{container.State} ({container.Reason}, {code})",
        { State: "Waiting", Reason.Length: > 0 } => $"Waiting ({container.Reason})",
        _ => container.State,
    };
}
