using System.Diagnostics;
using System.Text.Json.Nodes;
using Gantry.Conformance;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Xunit;

namespace Gantry.NodeTests.CommandLine;

/// <summary>gantry as a client of containerd, where it is installed (Debian's package containerd, or $GANTRY_TEST_CONTAINERD).</summary>
public sealed class OtherRuntimeTests(NodeNetwork network)
{
    [Fact]
    public async Task Containerd_Verbs_WorkOrSayWhatTheyNeed()
    {
        var program = Environment.GetEnvironmentVariable("GANTRY_TEST_CONTAINERD") ?? "/usr/bin/containerd";
        if (!File.Exists(program))
            Assert.Skip($"containerd is not installed at {program}: apt-get install containerd, or name it with GANTRY_TEST_CONTAINERD");
        await using var node = GantryNode.Prepare(network);
        await using var containerd = await Containerd.StartAsync(node, program);
        await using (var cri = new SpecContext(containerd.Cri, node.Settings()))
        {
            var pulled = containerd.Gantry("pull", "docker.io/library/busybox:1.36");
            Assert.True(pulled.Code == 0, pulled.Text);
            Assert.Matches("^sha256:[0-9a-f]{64}\n$", pulled.Output);
            Assert.Contains("containerd", containerd.Gantry("version").Output, StringComparison.Ordinal);
            Assert.Equal(0, containerd.Gantry("info").Code);
            Assert.Contains("busybox", containerd.Gantry("images").Output, StringComparison.Ordinal);
            var run = containerd.Gantry("run", "/etc/hostname");
            Assert.NotEqual(0, run.Code);

            // A pod on the node's network needs no plugin, and no further image than the pause image of the test set. It is
            // not the context's: once it is removed, this containerd has no answer for who stops it again.
            var config = cri.PodConfig();
            config.Hostname = "";
            config.Linux.SecurityContext.NamespaceOptions.Network = NamespaceMode.Node;
            Directory.CreateDirectory(config.LogDirectory);
            var pod = new SpecPod(cri, (await cri.Runtime.RunPodSandboxAsync(new RunPodSandboxRequest { Config = config })).PodSandboxId, config);
            var container = await pod.RunShellAsync("echo hello; sleep 1000");
            Assert.Contains(container.Config.Metadata.Name, containerd.Gantry("ps").Output, StringComparison.Ordinal);
            await Check.EventuallyAsync(() => Task.FromResult(containerd.Gantry("logs", container.Id).Output == "hello\n"), "the log");
            Assert.Equal(7, containerd.Gantry("exec", container.Config.Metadata.Name, "--", "sh", "-c", "exit 7").Code);
            Assert.NotNull(JsonNode.Parse(containerd.Gantry("inspect", container.Id).Output)!["status"]);
            Assert.Equal(1, containerd.Gantry("rm", pod.Id).Code);
            Assert.Equal(0, containerd.Gantry("rm", "--force", pod.Id).Code);
            Assert.Equal("[]", containerd.Gantry("ps", "--all", "-o", "json").Output.Trim());
            Assert.Equal(0, containerd.Gantry("rmi", "docker.io/library/busybox:1.36").Code);
        }
    }

    private sealed class Containerd : IAsyncDisposable
    {
        private readonly Process _process;
        private readonly string _socket;

        private Containerd(Process process, string socket)
        {
            _process = process;
            _socket = socket;
            Cri = new CriConnection(socket);
        }

        public CriConnection Cri { get; }

        public static async Task<Containerd> StartAsync(GantryNode node, string program)
        {
            var folder = $"{node.Directory}/containerd";
            Directory.CreateDirectory(folder);
            await File.WriteAllTextAsync($"{folder}/config.toml", $"""
                version = 2
                root = "{folder}/root"
                state = "{folder}/state"
                disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs"]
                [grpc]
                address = "{folder}/containerd.sock"
                [plugins."io.containerd.grpc.v1.cri"]
                sandbox_image = "docker.io/test/pause:latest"
                restrict_oom_score_adj = true
                [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
                runtime_type = "io.containerd.runc.v2"
                [plugins."io.containerd.grpc.v1.cri".cni]
                bin_dir = "/usr/lib/cni"
                conf_dir = "{node.Directory}/cni"
                [plugins."io.containerd.grpc.v1.cri".registry]
                config_path = "{node.Directory}/certs.d"
                """);
            var path = Path.GetDirectoryName(program);
            var process = node.Network.Start($"{folder}/log", "env", $"PATH={path}:{Environment.GetEnvironmentVariable("PATH")}", program, "--config", $"{folder}/config.toml");
            var containerd = new Containerd(process, $"{folder}/containerd.sock");
            await NodeNetwork.WaitForAsync(async () => (await containerd.Cri.Runtime.StatusAsync(new StatusRequest())).Status.Conditions.Count >= 2, TimeSpan.FromSeconds(30), "containerd");
            return containerd;
        }

        public ShellResult Gantry(params string[] arguments) => Shell.Capture($"{NodeNetwork.Programs}/gantry", ["--endpoint", $"unix://{_socket}", .. arguments]);

        public async ValueTask DisposeAsync()
        {
            Cri.Dispose();
            Shell.Try("kill", "-TERM", $"{_process.Id}");
            await _process.WaitForExitAsync();
            _process.Dispose();
        }
    }
}
