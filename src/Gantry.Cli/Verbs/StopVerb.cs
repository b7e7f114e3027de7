using System.CommandLine;
using Gantry.Api;
using Gantry.Cli.Naming;
using Gantry.Cli.Options;
using Gantry.Cri.Api;

namespace Gantry.Cli.Verbs;

/// <summary>`gantry stop`: pods or containers, with their grace period.</summary>
internal static class StopVerb
{
    /// <summary>Kubernetes' terminationGracePeriodSeconds where a pod says none.</summary>
    private const long DefaultGrace = 30;

    public static Command Create(GlobalOptions global, CompletionNames names)
    {
        var command = new Command("stop", "Stop pods or containers.");
        var targets = new Argument<string[]>("name") { Arity = ArgumentArity.OneOrMore, Description = "Pods or containers." };
        targets.CompletionSources.Add(_ => names.PodsAndContainers);
        var time = new Option<TimeSpan?>("--time", "-t")
        {
            Description = "How long to wait between the stop signal and SIGKILL; 0 kills at once. Default: the pod's own, or 30s.",
            HelpName = "duration",
            CustomParser = Duration.ParseOption,
        };
        command.Arguments.Add(targets);
        command.Options.Add(time);
        global.Attach(command, fallbackLimit: null, async (session, parsed) =>
        {
            var inventory = await Inventory.ReadAsync(session.Node, session.Cancel);
            long? grace = parsed.GetValue(time) is { } asked ? (long)Math.Ceiling(asked.TotalSeconds) : null;
            return await ForEach.RunAsync(session, parsed.GetRequiredValue(targets), async name =>
            {
                var (pod, container) = inventory.Find(name);
                if (container is not null)
                    await StopContainerAsync(session, container, grace ?? DefaultGrace);
                else
                    await StopPodAsync(session, pod, grace);
                session.Screen.Out.WriteLine(name);
            });
        });
        return command;
    }

    /// <param name="graceSeconds">Null for the pod's own.</param>
    public static async Task StopPodAsync(Session session, NodePod pod, long? graceSeconds)
    {
        if (pod.IsLocal)
        {
            await session.Node.Gantry.StopPodAsync(
                new StopPodRequest { Pod = pod.Id, GraceSeconds = graceSeconds ?? -1 }, cancellationToken: session.Cancel);
            return;
        }
        // As the kubelet does: all containers at once, then the sandbox, which would kill them without grace.
        await Task.WhenAll(pod.Containers.Where(container => container.IsRunning)
            .Select(container => StopContainerAsync(session, container, graceSeconds ?? DefaultGrace)));
        await session.Node.Runtime.StopPodSandboxAsync(
            new StopPodSandboxRequest { PodSandboxId = pod.Id }, cancellationToken: session.Cancel);
    }

    private static async Task StopContainerAsync(Session session, NodeContainer container, long graceSeconds) =>
        await session.Node.Runtime.StopContainerAsync(
            new StopContainerRequest { ContainerId = container.Id, Timeout = graceSeconds }, cancellationToken: session.Cancel);
}
