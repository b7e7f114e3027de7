using System.Diagnostics;
using Gantry.Conformance;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Xunit;

namespace Gantry.NodeTests.Conformance;

/// <summary>Debian's containerd with roots, socket and network configuration of its own, for the specs to be tried on.</summary>
public sealed class ContainerdNode(NodeNetwork network) : IAsyncLifetime
{
    private const string Program = "/usr/bin/containerd";
    private Process? _daemon;

    public CriConnection? Cri { get; private set; }

    /// <summary>Why there is none; empty where it runs.</summary>
    public string Missing { get; } = File.Exists(Program) ? "" : "containerd is not installed: apt-get install containerd";

    public KnownFailures Known { get; } = KnownFailures.Load(Path.Combine(AppContext.BaseDirectory, "Conformance", "containerd-1.6-failures.txt"));

    public SpecSettings Settings => new() { Folder = Folder, CgroupParent = $"/{network.Name}-containerd", NetworkNamespace = network.NetnsPath, ConnectAsync = (host, port) => Task.FromResult(NetnsConnection.Connect(network.NetnsPath, host, port)) };

    private string Folder => $"{network.Directory}/containerd";

    private string Socket => $"{Folder}/containerd.sock";

    public async ValueTask InitializeAsync()
    {
        if (Missing.Length > 0)
            return;
        WriteConfiguration();
        _daemon = network.Start($"{Folder}/log", Program, "--config", $"{Folder}/config.toml");
        Cri = new CriConnection(Socket);
        await NodeNetwork.WaitForAsync(
            async () => (await Cri.Runtime.StatusAsync(new StatusRequest())).Status.Conditions.All(condition => condition.Status),
            TimeSpan.FromSeconds(60), "containerd");
    }

    public async ValueTask DisposeAsync()
    {
        if (_daemon is null)
            return;
        foreach (var pod in (await Cri!.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest())).Items)
            await Cri.Runtime.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = pod.Id });
        Cri.Dispose();
        Shell.Run("kill", "-TERM", $"{_daemon.Id}");
        await _daemon.WaitForExitAsync();
        _daemon.Dispose();
        Shell.Try("ip", "-n", network.Name, "link", "delete", "gtc0");
        foreach (var mount in File.ReadLines("/proc/self/mountinfo").Select(line => line.Split(' ')[4]).Where(path => path.StartsWith(Folder, StringComparison.Ordinal)).Reverse().ToList())
            Shell.Try("umount", "-l", mount);
        foreach (var cgroup in Directory.GetDirectories("/sys/fs/cgroup").Select(root => root + Settings.CgroupParent).Where(Directory.Exists))
            Shell.Try("find", cgroup, "-depth", "-type", "d", "-delete");
        Directory.Delete(Folder, recursive: true);
    }

    private void WriteConfiguration()
    {
        Directory.CreateDirectory($"{Folder}/cni");
        Directory.CreateDirectory($"{Folder}/certs.d/_default");
        File.WriteAllText($"{Folder}/certs.d/_default/hosts.toml", "[host.\"http://127.0.0.1:5000\"]\ncapabilities = [\"pull\", \"resolve\"]\n");
        File.WriteAllText($"{Folder}/cni/10-test.conflist", $$"""
            { "cniVersion": "1.0.0", "name": "containerd", "plugins": [
              { "type": "bridge", "bridge": "gtc0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
                "ipam": { "type": "host-local", "dataDir": "{{Folder}}/ipam", "ranges": [[{ "subnet": "10.89.0.0/16" }]], "routes": [{ "dst": "0.0.0.0/0" }] } },
              { "type": "portmap", "capabilities": { "portMappings": true } } ] }
            """);
        File.WriteAllText($"{Folder}/config.toml", $"""
            version = 2
            root = "{Folder}/root"
            state = "{Folder}/state"
            disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs"]
            [grpc]
            address = "{Socket}"
            [plugins."io.containerd.grpc.v1.cri"]
            sandbox_image = "docker.io/test/pause:latest"
            restrict_oom_score_adj = true
            [plugins."io.containerd.grpc.v1.cri".containerd]
            default_runtime_name = "crun"
            [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun]
            runtime_type = "io.containerd.runc.v2"
            [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun.options]
            BinaryName = "/usr/bin/crun"
            [plugins."io.containerd.grpc.v1.cri".cni]
            bin_dir = "/usr/lib/cni"
            conf_dir = "{Folder}/cni"
            [plugins."io.containerd.grpc.v1.cri".registry]
            config_path = "{Folder}/certs.d"
            """);
    }
}
