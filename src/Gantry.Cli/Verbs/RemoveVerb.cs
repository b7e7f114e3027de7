using System.CommandLine;
using Gantry.Api;
using Gantry.Cli.Naming;
using Gantry.Cli.Options;
using Gantry.Cri.Api;

namespace Gantry.Cli.Verbs;

/// <summary>`gantry rm`: removes pods with their containers, or single containers; what runs only with --force.</summary>
internal static class RemoveVerb
{
    public static Command Create(GlobalOptions global, CompletionNames names)
    {
        var command = new Command("rm", "Remove pods or containers.");
        var targets = new Argument<string[]>("name") { Arity = ArgumentArity.OneOrMore, Description = "Pods or containers." };
        targets.CompletionSources.Add(_ => names.PodsAndContainers);
        var force = new Option<bool>("--force", "-f") { Description = "Stop what runs first." };
        command.Arguments.Add(targets);
        command.Options.Add(force);
        global.Attach(command, fallbackLimit: null, async (session, parsed) =>
        {
            var inventory = await Inventory.ReadAsync(session.Node, session.Cancel);
            return await ForEach.RunAsync(session, parsed.GetRequiredValue(targets), async name =>
            {
                var (pod, container) = inventory.Find(name);
                if (container is not null)
                    await RemoveContainerAsync(session, name, container, parsed.GetValue(force));
                else
                    await RemovePodAsync(session, name, pod, parsed.GetValue(force));
                session.Screen.Out.WriteLine(name);
            });
        });
        return command;
    }

    private static async Task RemovePodAsync(Session session, string name, NodePod pod, bool force)
    {
        if (pod.IsLocal)
        {
            await session.Node.Gantry.RemovePodAsync(new RemovePodRequest { Pod = pod.Id, Force = force }, cancellationToken: session.Cancel);
            return;
        }
        if (!force && (pod.Phase == "Ready" || pod.Phase == "Running" || pod.Containers.Any(container => container.IsRunning)))
            throw CommandException.Failed($"pod {name} is running; stop it first, or use 'gantry rm --force {name}'.");
        if (force)
            await StopVerb.StopPodAsync(session, pod, graceSeconds: null);
        await session.Node.Runtime.RemovePodSandboxAsync(
            new RemovePodSandboxRequest { PodSandboxId = pod.Id }, cancellationToken: session.Cancel);
    }

    private static async Task RemoveContainerAsync(Session session, string name, NodeContainer container, bool force)
    {
        // The CRI's RemoveContainer kills a running one without a word.
        if (container.IsRunning && !force)
            throw CommandException.Failed($"container {name} is running; stop it first, or use 'gantry rm --force {name}'.");
        await session.Node.Runtime.RemoveContainerAsync(
            new RemoveContainerRequest { ContainerId = container.Id }, cancellationToken: session.Cancel);
    }
}
