using System.CommandLine;
using Gantry.Api;
using Gantry.Cli.Connection;
using Gantry.Cli.Manifests;
using Gantry.Cli.Naming;
using Gantry.Cli.Options;
using Gantry.Cli.Output;
using Google.Protobuf;
using Grpc.Core;

namespace Gantry.Cli.Verbs;

/// <summary>`gantry run POD.yaml`: hands a v1/Pod to the daemon, tells what it does, and waits until the pod runs.</summary>
internal static class RunVerb
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(200);

    public static Command Create(GlobalOptions global)
    {
        var command = new Command("run", "Run a pod from a manifest: gantry run pod.yaml");
        var file = new Argument<string>("manifest") { Description = "A v1/Pod as YAML or JSON; - for standard input." };
        var replace = new Option<bool>("--replace") { Description = "Replace a pod of the same name and namespace." };
        var wait = new Option<bool>("--wait")
        {
            Description = "Wait until the pod runs or has ended (--wait=false: until its containers have been started).",
            DefaultValueFactory = _ => true,
        };
        command.Arguments.Add(file);
        command.Options.Add(replace);
        command.Options.Add(wait);
        var output = OutputOptions.AddListing(command);
        global.Attach(command, fallbackLimit: null, async (session, parsed) =>
        {
            var manifest = PodManifest.Read(parsed.GetRequiredValue(file), session.Screen.Input);
            var pod = await RunAsync(session, manifest, parsed.GetValue(replace), output.Of(parsed) == OutputFormat.Quiet);
            if (parsed.GetValue(wait))
                pod = await WaitAsync(session, pod);
            return Report(session.Screen, output.Of(parsed), pod);
        });
        return command;
    }

    private static async Task<NodePod> RunAsync(Session session, PodManifest manifest, bool replace, bool quiet)
    {
        var request = new RunPodRequest { PodJson = UnsafeByteOperations.UnsafeWrap(manifest.Json), Replace = replace };
        using var call = session.Node.Gantry.RunPod(request, cancellationToken: session.Cancel);
        var display = new PullDisplay(session.Screen);
        var lastMessage = "";
        NodePod? pod = null;
        try
        {
            await foreach (var progress in call.ResponseStream.ReadAllAsync(session.Cancel))
            {
                pod = progress.Pod is null ? pod : Inventory.Translate(progress.Pod);
                // A line about a pull may come with each of its steps; it is said once.
                if (!quiet && progress.Message.Length > 0 && progress.Message != lastMessage)
                {
                    display.Finish();
                    session.Screen.Note(progress.Message);
                    lastMessage = progress.Message;
                }
                if (!quiet && progress.Pull is not null)
                    display.Show(progress.Pull);
            }
        }
        catch (RpcException failure) when (failure.StatusCode == StatusCode.Unimplemented)
        {
            throw CallFailure.NeedsGantry(session.Node, "run", "Start gantryd, or leave --endpoint out.");
        }
        return pod ?? throw CommandException.Failed($"pod {manifest.Name}: the daemon ended the call without naming the pod; see its log.");
    }

    private static async Task<NodePod> WaitAsync(Session session, NodePod pod)
    {
        while (pod.Phase is not ("Running" or "Succeeded" or "Failed"))
        {
            await Task.Delay(_pause, session.Screen.Time, session.Cancel);
            var inventory = await Inventory.ReadAsync(session.Node, session.Cancel);
            // By name: a pod whose sandbox died is run again under another id.
            pod = inventory.Pods.FirstOrDefault(one => one.IsLocal && one.FullName == pod.FullName)
                ?? throw CommandException.Failed($"pod {pod.FullName} was removed while it started.");
        }
        return pod;
    }

    private static int Report(Screen screen, OutputFormat format, NodePod pod)
    {
        if (format == OutputFormat.Quiet)
            screen.Out.WriteLine(pod.Id);
        else if (format is OutputFormat.Json or OutputFormat.Yaml)
            Document.Write(screen, format, PodJson.Of(pod));
        else
            screen.Out.WriteLine(PlainText.Of(
                $"pod {pod.FullName} is {pod.Phase}{(pod.Addresses.Count > 0 ? " at " + string.Join(", ", pod.Addresses) : "")}"));
        if (pod.Phase != "Failed")
            return ExitCode.Ok;
        foreach (var container in pod.Containers.Where(container => container.ExitCode is not (null or 0) || container.Message.Length > 0))
            screen.Fail($"container {container.Name}: {container.State} {container.Reason} (exit code {container.ExitCode}) {container.Message}; see 'gantry logs {pod.Name} -c {container.Name}'.");
        return ExitCode.Failed;
    }
}
