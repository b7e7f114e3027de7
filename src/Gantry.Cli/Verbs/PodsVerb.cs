using System.CommandLine;
using Gantry.Cli.Naming;
using Gantry.Cli.Options;
using Gantry.Cli.Output;

namespace Gantry.Cli.Verbs;

/// <summary>`gantry pods`: the pods, local ones first of all; with --all the kubelet's and the dead ones too.</summary>
internal static class PodsVerb
{
    public static Command Create(GlobalOptions global)
    {
        var command = new Command("pods", "List pods.");
        var all = new Option<bool>("--all", "-a") { Description = "The kubelet's pods and dead pods too." };
        command.Options.Add(all);
        var output = OutputOptions.AddListing(command);
        global.Attach(command, GlobalOptions.QuickLimit, async (session, parsed) =>
        {
            var inventory = await Inventory.ReadAsync(session.Node, session.Cancel);
            var pods = inventory.Pods.Where(pod => parsed.GetValue(all) || IsShown(pod, inventory.IsGantry)).ToList();
            ListingFor(session.Screen.Time.GetUtcNow()).Write(session.Screen, output.Of(parsed), pods);
            return ExitCode.Ok;
        });
        return command;
    }

    // Of gantry's own pods a failed one is what its owner looks for; a plain CRI keeps dead sandboxes as litter.
    private static bool IsShown(NodePod pod, bool isGantry) => isGantry ? pod.IsLocal : pod.Phase == "Ready";

    private static Listing<NodePod> ListingFor(DateTimeOffset now) => new(
        [
            new("POD ID", pod => HumanText.ShortId(pod.Id), _ => Tone.Faint),
            new("NAMESPACE", pod => pod.Namespace),
            new("NAME", pod => pod.Name),
            new("STATUS", pod => pod.Phase, pod => Tones.OfState(pod.Phase)),
            new("READY", pod => $"{pod.Containers.Count(container => container.IsRunning)}/{pod.Containers.Count}", RightAligned: true),
            new("ADDRESS", pod => pod.Addresses.Count > 0 ? string.Join(",", pod.Addresses) : "-"),
            new("OWNER", pod => pod.IsLocal ? "gantry" : "cri", _ => Tone.Faint),
            new("AGE", pod => HumanText.Age(pod.CreatedAt, now), RightAligned: true),
        ],
        pod => PodJson.Of(pod),
        pod => pod.Id);
}
