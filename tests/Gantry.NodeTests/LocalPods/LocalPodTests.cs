using System.Text.Json.Nodes;
using Gantry.Conformance;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Grpc.Core;
using Xunit;

namespace Gantry.NodeTests.LocalPods;

/// <summary>Pods that run from a manifest without a kubelet.</summary>
public sealed class LocalPodTests(NodeNetwork network)
{
    [Fact]
    public async Task Run_WholeManifest_DoesWhatItSays()
    {
        await using var node = await GantryNode.StartAsync(network);
        Directory.CreateDirectory($"{node.Directory}/host");
        var manifest = Manifest(node, $$"""
            apiVersion: v1
            kind: Pod
            metadata:
              name: whole
              namespace: shop
              labels: { app: whole }
            spec:
              terminationGracePeriodSeconds: 1
              volumes:
              - name: data
                emptyDir: {}
              - name: host
                hostPath: { path: {{node.Directory}}/host }
              initContainers:
              - name: first
                image: docker.io/library/busybox:1.36
                command: [sh, -c, "echo first > /data/order"]
                volumeMounts: [{ name: data, mountPath: /data }]
              - name: second
                image: docker.io/library/busybox:1.36
                command: [sh, -c, "echo second >> /data/order; sleep 0.1"]
                volumeMounts: [{ name: data, mountPath: /data }]
              containers:
              - name: main
                image: docker.io/library/busybox:1.36
                command: [sh]
                args: [-c, "cat /data/order > /host/order; echo $GREETING; id -u; cat /sys/fs/cgroup/memory/memory.limit_in_bytes; sleep 1000"]
                env: [{ name: GREETING, value: "hello: world" }]
                resources: { limits: { memory: 64Mi, cpu: 500m } }
                securityContext: { runAsUser: 1000, capabilities: { drop: [ALL] }, readOnlyRootFilesystem: true }
                volumeMounts: [{ name: data, mountPath: /data }, { name: host, mountPath: /host }]
              - name: sidecar
                image: docker.io/test/entrypoint
                volumeMounts: [{ name: data, mountPath: /shared, subPath: sub, readOnly: true }]
                command: [sh, -c, "touch /shared/x; sleep 1000"]
            """);
        File.SetUnixFileMode($"{node.Directory}/host", (UnixFileMode)0b111_111_111);

        var run = node.Gantry("run", manifest);

        Assert.True(run.Code == 0, run.Text);
        Assert.Contains("pod shop/whole is Running", run.Output, StringComparison.Ordinal);
        await Eventually(() => node.Gantry("logs", "whole", "-c", "main").Output.Contains("67108864", StringComparison.Ordinal));
        Assert.StartsWith("hello: world\n1000\n", node.Gantry("logs", "whole", "-c", "main").Output, StringComparison.Ordinal);
        Assert.Equal("first\nsecond\n", await File.ReadAllTextAsync($"{node.Directory}/host/order"));
        Assert.Contains("Read-only", node.Gantry("logs", "whole", "-c", "sidecar").Error, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(0, node.Gantry("exec", "whole", "-c", "main", "--", "true").Code);
        Assert.NotEqual(0, node.Gantry("exec", "whole", "-c", "main", "--", "touch", "/x").Code);
        Assert.Equal(0, node.Gantry("stop", "whole").Code);
        Assert.Equal(0, node.Gantry("rm", "whole").Code);
        Assert.Empty(Directory.GetFileSystemEntries(node.PodLogs));
    }

    [Theory]
    [InlineData("Always", 0, true)]
    [InlineData("Always", 1, true)]
    [InlineData("OnFailure", 1, true)]
    [InlineData("OnFailure", 0, false)]
    [InlineData("Never", 0, false)]
    [InlineData("Never", 1, false)]
    public async Task Run_ContainerEnds_IsRestartedAsItsPolicySays(string policy, int code, bool isRestarted)
    {
        await using var node = await GantryNode.StartAsync(network, "[local_pods]\nrestart_delay_seconds = 1");

        var run = node.Gantry("run", Simple(node, "ending", $"exit {code}", policy));

        if (!isRestarted)
        {
            var phase = code == 0 ? "Succeeded" : "Failed";
            // It may have been seen running, where it was quick to look.
            Assert.True(run.Text.Contains(phase, StringComparison.Ordinal) ? run.Code == (code == 0 ? 0 : 1) : run.Text.Contains("is Running", StringComparison.Ordinal), run.Text);
            await Eventually(() => (string?)JsonNode.Parse(node.Gantry("pods", "-o", "json").Output)!.AsArray().Single()!["phase"] == phase);
            Assert.Equal((code, 0), ((int)Container(node, "ending")["exitCode"]!, (int)Container(node, "ending")["restarts"]!));
            return;
        }
        await Eventually(() => (int)Container(node, "ending")["restarts"]! >= 2);
        await Eventually(() => (string?)Container(node, "ending")["reason"] == "CrashLoopBackOff");
        // The attempt before the last keeps its log, as the kubelet keeps one for 'logs --previous'.
        Assert.InRange(Directory.GetFiles(node.PodLogs, "*.log", SearchOption.AllDirectories).Length, 1, 3);
    }

    [Fact]
    public async Task Run_InitContainerFails_OthersWaitForIt()
    {
        await using var node = await GantryNode.StartAsync(network, "[local_pods]\nrestart_delay_seconds = 1");
        var manifest = Manifest(node, """
            apiVersion: v1
            kind: Pod
            metadata: { name: waiting }
            spec:
              restartPolicy: Always
              volumes: [{ name: data, emptyDir: {} }]
              initContainers:
              - { name: init, image: docker.io/library/busybox:1.36, command: [sh, -c, "[ -e /data/third ] && exit 0; [ -e /data/second ] && touch /data/third; touch /data/second; exit 1"], volumeMounts: [{ name: data, mountPath: /data }] }
              containers:
              - { name: main, image: docker.io/library/busybox:1.36, command: [sleep, "1000"] }
            """);

        var run = node.Gantry("run", manifest);

        Assert.True(run.Code == 0, run.Text);
        Assert.Contains("Running", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_Pod_IsHiddenFromTheCriAndItsIdsDoNotExistThere()
    {
        await using var node = await GantryNode.StartAsync(network);
        Assert.Equal(0, node.Gantry("run", Simple(node, "local", "sleep 1000")).Code);
        await using (var cri = node.Context())
        {
            var other = await (await cri.RunPodAsync()).RunShellAsync("sleep 1000");
            var pods = JsonNode.Parse(node.Gantry("pods", "--all", "-o", "json").Output)!.AsArray();
            var local = pods.Single(pod => (bool)pod!["local"]!)!;
            var (id, container) = ((string)local["id"]!, (string)local["containers"]![0]!["id"]!);

            Assert.Equal(2, pods.Count);
            Assert.Equal(other.Pod.Id, Assert.Single((await cri.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest())).Items).Id);
            Assert.Empty((await cri.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest { Filter = new PodSandboxFilter { Id = id } })).Items);
            Assert.Equal(other.Id, Assert.Single((await cri.Runtime.ListContainersAsync(new ListContainersRequest())).Containers).Id);
            await NotFoundAsync(async () => await cri.Runtime.PodSandboxStatusAsync(new PodSandboxStatusRequest { PodSandboxId = id }));
            await NotFoundAsync(async () => await cri.Runtime.StopPodSandboxAsync(new StopPodSandboxRequest { PodSandboxId = id[..20] }));
            await NotFoundAsync(async () => await cri.Runtime.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = id }));
            await NotFoundAsync(async () => await cri.Runtime.ContainerStatusAsync(new ContainerStatusRequest { ContainerId = container }));
            await NotFoundAsync(async () => await cri.Runtime.StopContainerAsync(new StopContainerRequest { ContainerId = container }));
            await NotFoundAsync(async () => await cri.Runtime.RemoveContainerAsync(new RemoveContainerRequest { ContainerId = container }));
            await NotFoundAsync(async () => await cri.Runtime.ExecSyncAsync(new ExecSyncRequest { ContainerId = container, Cmd = { "true" } }));
            // And the kubelet's pods are none of gantry's to change.
            Assert.DoesNotContain(other.Config.Metadata.Name, node.Gantry("ps").Output, StringComparison.Ordinal);
            Assert.Contains(other.Config.Metadata.Name, node.Gantry("ps", "--all").Output, StringComparison.Ordinal);
            Assert.Equal(0, node.Gantry("exec", "local", "--", "true").Code);
        }
    }

    [Fact]
    public async Task Restart_OfTheDaemon_PodsGoOnAndAreRestartedStill()
    {
        await using var node = await GantryNode.StartAsync(network, "[local_pods]\nrestart_delay_seconds = 1");
        Assert.Equal(0, node.Gantry("run", Simple(node, "staying", "sleep 1000")).Code);
        Assert.Equal(0, node.Gantry("run", Simple(node, "crashing", "sleep 0.5; exit 1")).Code);
        var id = (string)Container(node, "staying")["id"]!;

        await node.RestartDaemonAsync();

        var staying = Container(node, "staying");
        Assert.Equal((id, "Running", 0), ((string)staying["id"]!, (string)staying["state"]!, (int)staying["restarts"]!));
        var before = (int)Container(node, "crashing")["restarts"]!;
        await Eventually(() => (int)Container(node, "crashing")["restarts"]! > before);
        Assert.Equal(0, node.Gantry("rm", "--force", "staying", "crashing").Code);
    }

    [Fact]
    public async Task Sigkill_DuringARun_PodIsWholeOrAbsent()
    {
        await using var node = await GantryNode.StartAsync(network);
        var manifest = Simple(node, "half", "sleep 1000");
        Assert.Equal(0, node.Gantry("pull", "docker.io/library/busybox:1.36").Code);
        var random = new Random(11);
        for (var round = 0; round < Rounds.Scaled(5); round++)
        {
            using (var run = Shell.Start($"{NodeNetwork.Programs}/gantry", "--endpoint", $"unix://{node.Socket}", "run", manifest))
            {
                await Task.Delay(random.Next(20, 250));
                await node.RestartDaemonAsync();
                await run.WaitForExitAsync();
            }
            // What is there is supervised; what is not can be run anew.
            await Eventually(() => !node.Gantry("pods", "-o", "json").Output.Contains("\"half\"", StringComparison.Ordinal) || (string)Container(node, "half")["state"]! == "Running");
            var again = node.Gantry("run", "--replace", manifest);
            Assert.True(again.Code == 0, again.Text);
            Assert.Equal(0, node.Gantry("rm", "--force", "half").Code);
        }
    }

    [Fact]
    public async Task Run_TheSameName_IsRefusedOrReplaced()
    {
        await using var node = await GantryNode.StartAsync(network);
        var manifest = Simple(node, "twice", "sleep 1000");
        Assert.Equal(0, node.Gantry("run", manifest).Code);
        var first = (string)Container(node, "twice")["id"]!;

        var refused = node.Gantry("run", manifest);
        var bad = node.Gantry("run", "--replace", Simple(node, "twice", "true", image: "docker.io/test/no-such"));
        Assert.Equal(first, (string)Container(node, "twice")["id"]!);
        var replaced = node.Gantry("run", "--replace", manifest);

        Assert.Equal(1, refused.Code);
        Assert.Contains("--replace", refused.Error, StringComparison.Ordinal);
        Assert.NotEqual(0, bad.Code);
        Assert.True(replaced.Code == 0, replaced.Text);
        Assert.NotEqual(first, (string)Container(node, "twice")["id"]!);
    }

    [Fact]
    public async Task Run_OneWhoseImageComesSlowly_DelaysNoOther()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using var registry = new ScriptedRegistry(network.NetnsPath);
        registry.ServeAs(node, "slow.test");
        registry["/v2/image/manifests/latest"] = new ScriptedAnswer(200, new byte[10]) { HangAfter = 0 };
        using var slow = Shell.StartInForeground($"{NodeNetwork.Programs}/gantry", "--endpoint", $"unix://{node.Socket}", "run", Simple(node, "slow", "true", image: "slow.test/image"));
        await NodeNetwork.WaitForAsync(() => Task.FromResult(!registry.Requests.IsEmpty), TimeSpan.FromSeconds(20), "the slow pull");

        Assert.Equal(0, node.Gantry("run", Simple(node, "quick", "sleep 1000")).Code);
        Assert.Equal(0, node.Gantry("rm", "--force", "quick").Code);
        // Ctrl-C: nothing of it stays.
        Shell.Run("kill", "-INT", $"{slow.Id}");
        await slow.WaitForExitAsync();
        Assert.Equal(130, slow.ExitCode);
        Assert.Equal("[]", node.Gantry("pods", "-o", "json").Output.Trim());
    }

    [Theory]
    [InlineData("apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n  bad indent", 2, ":5:")]
    [InlineData("apiVersion: v1\nkind: Pod\nkind: Pod", 2, ":3:1: the key 'kind' is given twice")]
    [InlineData("apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: x }", 2, "needs a cluster")]
    [InlineData("apiVersion: v1\nkind: Pod\nmetadata: { name: x }\nspec: { containers: [{ name: a, imagee: b }] }", 2, "spec.containers[0].imagee is no field")]
    [InlineData("apiVersion: v1\nkind: Pod\nmetadata: { name: x }\nspec: { containers: [] }", 2, "spec.containers is empty")]
    [InlineData("apiVersion: v1\nkind: Pod\nmetadata: { name: x }\nspec: { containers: [{ name: a, image: 'No Such' }] }", 2, "No Such")]
    [InlineData("apiVersion: v1\nkind: Pod\nmetadata: { name: x }\nspec: { containers: [{ name: a, image: 'registry.test/test/none-such:1' }] }", 4, "none-such")]
    [InlineData("apiVersion: v1\nkind: Pod\nmetadata: { name: x }\nspec: { containers: [{ name: a, image: 'docker.io/test/user:1', imagePullPolicy: Never }] }", 4, "is Never")]
    [InlineData("apiVersion: v1\nkind: Pod\nmetadata: { name: x }\nspec: { restartPolicy: Never, containers: [{ name: a, image: 'docker.io/library/busybox:1.36', command: [/no/such] }] }", 1, "/no/such")]
    [InlineData("apiVersion: v1\nkind: Pod\nmetadata: { name: x }\nspec: { restartPolicy: Never, containers: [{ name: a, image: 'docker.io/library/busybox:1.36', command: ['true'], securityContext: { runAsNonRoot: true } }] }", 1, "runAsNonRoot")]
    [InlineData("apiVersion: v1\nkind: Pod\nmetadata: { name: x }\nspec: { runtimeClassName: kata, containers: [{ name: a, image: 'docker.io/library/busybox:1.36' }] }", 2, "kata")]
    public async Task Run_WrongManifest_SaysWhereAndWhat(string yaml, int code, string words)
    {
        await using var node = await GantryNode.StartAsync(network, "[local_pods]\nrestart_delay_seconds = 300");

        var run = node.Gantry("run", "--timeout", "30s", Manifest(node, yaml));

        Assert.True(code == run.Code, $"it ended with {run.Code}: {run.Text}");
        Assert.Contains(words, run.Error, StringComparison.Ordinal);
    }

    private static JsonNode Container(GantryNode node, string pod)
    {
        var result = node.Gantry("ps", "--all", "-o", "json");
        Assert.True(result.Code == 0, result.Text);
        return JsonNode.Parse(result.Output)!.AsArray().Single(container => (string)container!["pod"]!["name"]! == pod)!;
    }

    private static string Simple(GantryNode node, string name, string script, string policy = "Always", string image = "docker.io/library/busybox:1.36") => Manifest(node, $$"""
        apiVersion: v1
        kind: Pod
        metadata: { name: {{name}} }
        spec:
          restartPolicy: {{policy}}
          terminationGracePeriodSeconds: 0
          containers:
          - { name: main, image: "{{image}}", command: [sh, -c, "{{script}}"] }
        """);

    private static string Manifest(GantryNode node, string yaml)
    {
        var path = $"{node.Directory}/{Guid.NewGuid():N}.yaml";
        File.WriteAllText(path, yaml);
        return path;
    }

    private static Task Eventually(Func<bool> condition) => Check.EventuallyAsync(() => Task.FromResult(condition()), "what the pod is to come to", TimeSpan.FromSeconds(40));

    private static async Task NotFoundAsync(Func<Task> call)
    {
        var failure = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal(StatusCode.NotFound, failure.StatusCode);
        Assert.Contains("without a kubelet", failure.Status.Detail, StringComparison.Ordinal);
    }
}
