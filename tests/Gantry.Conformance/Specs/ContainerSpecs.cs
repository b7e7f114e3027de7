using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Conformance.Specs;

/// <summary>The life of containers.</summary>
internal static class ContainerSpecs
{
    public static IReadOnlyList<Spec> All { get; } =
    [
        new("containers/life", "a container is Created, Running and Exited, with times in nanoseconds that never go back", LifeAsync),
        new("containers/exit-code", "the exit code is the process's own, and the reason Completed or Error", ExitCodeAsync),
        new("containers/signalled", "a process that a signal ended has 128 and the signal's number", SignalledAsync),
        new("containers/at-once", "a container that ends at once is Exited, never Running again", AtOnceAsync),
        new("containers/attributes", "metadata, labels, annotations, mounts and image come back exactly as they were sent", AttributesAsync),
        new("containers/verbose", "a verbose status has JSON with the process, the pod, the configuration in plain text and the runtime's specification", VerboseAsync),
        new("containers/same-metadata", "the same metadata again answers the same container", SameMetadataAsync),
        new("containers/start-twice", "a container cannot be started twice", StartTwiceAsync),
        new("containers/start-failure", "a start that fails leaves a status that says why", StartFailureAsync),
        new("containers/remove-created", "a container that was never started can be removed", RemoveCreatedAsync),
        new("containers/remove-running", "removing a running container ends it", RemoveRunningAsync),
        new("containers/remove-exited", "an exited container can be removed, and removed again", RemoveExitedAsync),
        new("containers/unknown", "the status of a container that does not exist is NotFound; stopping and removing it succeed", UnknownAsync),
        new("containers/image-identifiers", "Container.image_id is Image.id, and status has a name and a reference of the image", ImageIdentifiersAsync),
        new("containers/image-removed", "a container's status keeps its image's name after the image was removed", ImageRemovedAsync),
        new("containers/many-at-once", "twenty containers created and started at the same time all run", ManyAtOnceAsync),
        new("containers/next-attempt", "the next attempt starts beside the exited one", NextAttemptAsync),
    ];

    private static async Task LifeAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.CreateShellAsync("read x", config => config.Stdin = true);
        var created = await container.StatusAsync();
        Check.Equal(ContainerState.ContainerCreated, created.State);
        Check.True(created.CreatedAt > 0);
        Check.Equal(0L, created.StartedAt);
        Check.Equal(0L, created.FinishedAt);
        await container.StartAsync();
        var running = await container.StatusAsync();
        Check.Equal(ContainerState.ContainerRunning, running.State);
        Check.True(running.StartedAt >= running.CreatedAt);
        Check.Equal(0L, running.FinishedAt);
        await container.StopAsync();
        var exited = await container.StatusAsync();
        Check.Equal(ContainerState.ContainerExited, exited.State);
        Check.True(exited.FinishedAt >= exited.StartedAt);
        Check.Equal(created.CreatedAt, exited.CreatedAt);
        Check.Equal(running.StartedAt, exited.StartedAt);
    }

    private static async Task ExitCodeAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        foreach (var (script, code, reason) in new[] { ("exit 0", 0, "Completed"), ("exit 42", 42, "Error"), ("exit 255", 255, "Error") })
        {
            var status = await (await pod.RunShellAsync(script)).WaitForExitAsync();
            Check.Equal(code, status.ExitCode);
            Check.Equal(reason, status.Reason);
        }
    }

    private static async Task SignalledAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("exec sleep 1000");
        await container.StopAsync();
        Check.Equal(137, (await container.StatusAsync()).ExitCode);
    }

    private static async Task AtOnceAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        for (var n = 0; n < 10; n++)
        {
            var container = await pod.RunShellAsync("true");
            var status = await container.WaitForExitAsync();
            Check.True(status.StartedAt > 0 && status.FinishedAt >= status.StartedAt, $"{status.StartedAt} {status.FinishedAt}");
            Check.Equal(ContainerState.ContainerExited, (await container.StatusAsync()).State);
        }
    }

    private static async Task AttributesAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var host = Directory.CreateDirectory(Path.Combine(cri.Folder, "data")).FullName;
        var container = await pod.CreateShellAsync("true", config =>
        {
            config.Metadata.Attempt = 3;
            config.Labels["label"] = "a=b \"c\" \n ✓";
            config.Annotations["annotation"] = "\t\\ ünïcode";
            config.Mounts.Add(new Mount { ContainerPath = "/data/", HostPath = host, Readonly = true });
        });
        var status = await container.StatusAsync();
        Check.Equal(container.Config.Metadata, status.Metadata);
        Check.Equal(container.Config.Labels, status.Labels);
        Check.Equal(container.Config.Annotations, status.Annotations);
        var mount = status.Mounts.Single(mount => mount.ContainerPath == "/data/");
        Check.Equal(host, mount.HostPath);
        Check.True(mount.Readonly);
        var listed = (await cri.Runtime.ListContainersAsync(new ListContainersRequest { Filter = new ContainerFilter { Id = container.Id } })).Containers.Single();
        Check.Equal(container.Config.Metadata, listed.Metadata);
        Check.Equal(container.Config.Labels, listed.Labels);
        Check.Equal(container.Config.Annotations, listed.Annotations);
        Check.Equal(container.Config.Image.Image, listed.Image.Image);
        Check.Equal(pod.Id, listed.PodSandboxId);
    }

    private static async Task VerboseAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("sleep 1000", config => config.Envs.Add(new KeyValue { Key = "GREETING", Value = Google.Protobuf.ByteString.CopyFromUtf8("grüße") }));
        var answer = await cri.Runtime.ContainerStatusAsync(new ContainerStatusRequest { ContainerId = container.Id, Verbose = true });
        var info = System.Text.Json.Nodes.JsonNode.Parse(answer.Info["info"])!;
        // Between exec and its end a process has no arguments to show.
        await Check.EventuallyAsync(() => Task.FromResult(File.ReadAllText($"/proc/{(int)info["pid"]!}/cmdline").Contains("sleep", StringComparison.Ordinal)), "the process is the container's own");
        Check.Equal(pod.Id, (string?)info["sandboxID"]);
        Check.Equal(container.Config.Image.Image, (string?)info["config"]!["image"]!["image"]);
        Check.Equal("grüße", (string?)info["config"]!["envs"]!.AsArray().First(variable => (string?)variable!["key"] == "GREETING")!["value"]);
        Check.Equal(container.Config.Metadata.Name, (string?)info["config"]!["metadata"]!["name"]);
        Check.Contains("GREETING=grüße", string.Join(' ', info["runtimeSpec"]!["process"]!["env"]!.AsArray().Select(variable => (string?)variable)));
        Check.Equal(pod.Id, (string?)info["runtimeSpec"]!["annotations"]!["io.kubernetes.cri.sandbox-id"]);
    }

    private static async Task SameMetadataAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.CreateShellAsync("true");
        var all = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => pod.CreateAsync(container.Config)));
        Check.True(all.All(again => again.Id == container.Id));
    }

    private static async Task StartTwiceAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("sleep 1000");
        try
        {
            await container.StartAsync();
        }
        catch (RpcException e)
        {
            Check.True(e.StatusCode is StatusCode.FailedPrecondition or StatusCode.Unknown, e.Status.ToString());
            Check.Equal(ContainerState.ContainerRunning, (await container.StatusAsync()).State);
            return;
        }
        throw new SpecFailedException("a running container was started again");
    }

    private static async Task StartFailureAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var image = await cri.PullAsync(cri.Settings.Busybox);
        SpecContainer container;
        try
        {
            container = await pod.CreateAsync(pod.ContainerConfig(image, "/no/such/program"));
        }
        catch (RpcException e)
        {
            // OCI runtimes may look for the program at the creation already.
            Check.Contains("/no/such/program", e.Status.Detail);
            return;
        }
        try
        {
            await container.StartAsync();
        }
        catch (RpcException e)
        {
            Check.Contains("/no/such/program", e.Status.Detail);
            var status = await container.StatusAsync();
            Check.Equal(ContainerState.ContainerExited, status.State);
            Check.Equal(128, status.ExitCode);
            Check.Equal("StartError", status.Reason);
            Check.Contains("/no/such/program", status.Message);
            return;
        }
        throw new SpecFailedException("a program that does not exist was started");
    }

    private static async Task RemoveCreatedAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.CreateShellAsync("true");
        await container.RemoveAsync();
        await Check.FailsAsync(StatusCode.NotFound, () => container.StatusAsync());
    }

    private static async Task RemoveRunningAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("trap '' TERM; while true; do sleep 1; done");
        await container.RemoveAsync();
        await Check.FailsAsync(StatusCode.NotFound, () => container.StatusAsync());
    }

    private static async Task RemoveExitedAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("true");
        await container.WaitForExitAsync();
        await container.RemoveAsync();
        await container.RemoveAsync();
        await Check.FailsAsync(StatusCode.NotFound, () => container.StatusAsync());
    }

    private static async Task UnknownAsync(SpecContext cri)
    {
        var id = new string('0', 64);
        await Check.FailsAsync(StatusCode.NotFound, async () => await cri.Runtime.ContainerStatusAsync(new ContainerStatusRequest { ContainerId = id }));
        await Check.FailsAsync(StatusCode.NotFound, async () => await cri.Runtime.StartContainerAsync(new StartContainerRequest { ContainerId = id }));
        await cri.Runtime.StopContainerAsync(new StopContainerRequest { ContainerId = id });
        await cri.Runtime.RemoveContainerAsync(new RemoveContainerRequest { ContainerId = id });
    }

    private static async Task ImageIdentifiersAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.CreateShellAsync("true");
        var image = (await cri.Images.ImageStatusAsync(new ImageStatusRequest { Image = new ImageSpec { Image = cri.Settings.Busybox } })).Image;
        var status = await container.StatusAsync();
        Check.Equal(image.Id, status.ImageId);
        Check.True(status.Image.Image.Length > 0 && status.ImageRef.Length > 0);
        var listed = (await cri.Runtime.ListContainersAsync(new ListContainersRequest { Filter = new ContainerFilter { Id = container.Id } })).Containers.Single();
        Check.Equal(image.Id, listed.ImageId);
    }

    private static async Task ImageRemovedAsync(SpecContext cri)
    {
        var image = await cri.PullAsync(cri.Settings.TestImage("removable"));
        var pod = await cri.RunPodAsync();
        var container = await pod.CreateAsync(pod.ContainerConfig(image, "sleep", "1000"));
        await container.StartAsync();
        var before = await container.StatusAsync();
        await cri.Images.RemoveImageAsync(new RemoveImageRequest { Image = new ImageSpec { Image = image } });
        var after = await container.StatusAsync();
        Check.Equal(before.Image.Image, after.Image.Image);
        Check.Equal(before.ImageRef, after.ImageRef);
        Check.Equal(before.ImageId, after.ImageId);
        Check.Equal("still", await container.ShellAsync("echo still; ls /bin/busybox >/dev/null"));
    }

    private static async Task ManyAtOnceAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var containers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => pod.RunShellAsync("sleep 1000")));
        foreach (var container in containers)
            Check.Equal(ContainerState.ContainerRunning, (await container.StatusAsync()).State);
    }

    private static async Task NextAttemptAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var first = await pod.RunShellAsync("exit 1");
        await first.WaitForExitAsync();
        var config = first.Config.Clone();
        config.Metadata.Attempt = 1;
        var second = await pod.CreateAsync(config);
        Check.True(first.Id != second.Id);
        Check.Equal(ContainerState.ContainerExited, (await first.StatusAsync()).State);
    }
}
