using System.Diagnostics;
using Gantry.Conformance;
using Gantry.Cri.Api;

namespace Gantry.NodeTests.Harness;

/// <summary>
/// One daemon with roots, socket, network configuration and cgroup of its own, made of the published programs. Disposing
/// removes its pods, ends it and fails if anything of it is left.
/// </summary>
public sealed class GantryNode : IAsyncDisposable
{
    private static int _count;
    private readonly NodeNetwork _network;
    private readonly string _extraConfig;
    private Process? _daemon;
    private CriConnection? _cri;

    private GantryNode(NodeNetwork network, string extraConfig)
    {
        _network = network;
        _extraConfig = extraConfig;
        Number = Interlocked.Increment(ref _count);
        Directory = $"{network.Directory}/{Number}";
        CgroupParent = $"/{network.Name}-{Number}";
    }

    public int Number { get; }

    public string Directory { get; }

    public string CgroupParent { get; }

    public string Socket => $"{Directory}/state/gantry.sock";

    public string LogFile => $"{Directory}/gantryd.log";

    public string PodLogs => $"{Directory}/pods";

    public RuntimeService.RuntimeServiceClient Runtime => Cri.Runtime;

    public ImageService.ImageServiceClient Images => Cri.Images;

    public CriConnection Cri => _cri ?? throw new InvalidOperationException("the node is not running");

    public int DaemonPid => _daemon!.Id;

    /// <summary>What specs need to run on this node.</summary>
    public SpecSettings Settings(string handler = "") => new()
    {
        Folder = Directory,
        Handler = handler,
        CgroupParent = CgroupParent,
        NetworkNamespace = _network.NetnsPath,
        ConnectAsync = (host, port) => Task.FromResult(NetnsConnection.Connect(_network.NetnsPath, host, port)),
    };

    /// <summary>Makes a node and waits until it answers.</summary>
    /// <param name="network">The run's network.</param>
    /// <param name="extraConfig">More lines of its config.toml.</param>
    /// <param name="prepare">Changes the node's folders before the daemon starts.</param>
    public static async Task<GantryNode> StartAsync(NodeNetwork network, string extraConfig = "", Action<GantryNode>? prepare = null)
    {
        var node = new GantryNode(network, extraConfig);
        node.WriteConfiguration();
        prepare?.Invoke(node);
        await node.StartDaemonAsync();
        return node;
    }

    public async Task StartDaemonAsync()
    {
        _daemon = _network.Start(LogFile, $"{NodeNetwork.Programs}/gantryd", "--config", $"{Directory}/config.toml");
        _cri = new CriConnection(Socket);
        try
        {
            await NodeNetwork.WaitForAsync(
                async () => (await Runtime.StatusAsync(new StatusRequest())).Status.Conditions.Count >= 2, TimeSpan.FromSeconds(20), "gantryd");
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}; its log:\n{ReadLog()}");
        }
    }

    /// <summary>SIGKILL, as a power-minded friend would.</summary>
    public async Task KillDaemonAsync()
    {
        _daemon!.Kill();
        await _daemon.WaitForExitAsync();
        _daemon.Dispose();
        _daemon = null;
        _cri!.Dispose();
        _cri = null;
    }

    /// <summary>SIGTERM; it must end within that time.</summary>
    public async Task StopDaemonAsync(TimeSpan limit)
    {
        Shell.Run("kill", "-TERM", $"{_daemon!.Id}");
        await _daemon.WaitForExitAsync().WaitAsync(limit);
        _daemon.Dispose();
        _daemon = null;
        _cri!.Dispose();
        _cri = null;
    }

    public string ReadLog() => File.Exists(LogFile) ? File.ReadAllText(LogFile) : "";

    /// <summary>Runs the published command line against this node.</summary>
    public (int Code, string Output) Gantry(params string[] arguments) =>
        Shell.Try($"{NodeNetwork.Programs}/gantry", ["--endpoint", $"unix://{Socket}", .. arguments]);

    public async ValueTask DisposeAsync()
    {
        if (_daemon is null)
            await StartDaemonAsync();
        foreach (var pod in (await Runtime.ListPodSandboxAsync(new ListPodSandboxRequest())).Items)
            await Runtime.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = pod.Id });
        Shell.Run("kill", "-TERM", $"{_daemon!.Id}");
        await _daemon.WaitForExitAsync();
        _daemon.Dispose();
        _cri?.Dispose();
        var left = Leftovers.Find(this, _network);
        Shell.Try("ip", "-n", _network.Name, "link", "delete", $"gt{Number}");
        if (left.Count > 0)
            throw new InvalidOperationException($"node {Number} left behind:\n{string.Join('\n', left)}\nits log:\n{ReadLog()}");
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    private void WriteConfiguration()
    {
        System.IO.Directory.CreateDirectory($"{Directory}/cni");
        System.IO.Directory.CreateDirectory($"{Directory}/certs.d/_default");
        File.WriteAllText($"{Directory}/certs.d/_default/hosts.toml", "[host.\"http://127.0.0.1:5000\"]\ncapabilities = [\"pull\", \"resolve\"]\n");
        File.WriteAllText($"{Directory}/cni/10-test.conflist", $$"""
            {
              "cniVersion": "1.0.0", "name": "test{{Number}}",
              "plugins": [
                { "type": "bridge", "bridge": "gt{{Number}}", "isGateway": true, "ipMasq": true, "hairpinMode": true,
                  "ipam": { "type": "host-local", "dataDir": "{{Directory}}/ipam", "ranges": [[{ "subnet": "10.9{{Number % 10}}.0.0/16" }]], "routes": [{ "dst": "0.0.0.0/0" }] } },
                { "type": "portmap", "capabilities": { "portMappings": true } }
              ]
            }
            """);
        File.WriteAllText($"{Directory}/config.toml", $"""
            root = "{Directory}/root"
            state = "{Directory}/state"
            socket = "{Socket}"

            [cni]
            conf_dir = "{Directory}/cni"

            [registry]
            certs_dirs = ["{Directory}/certs.d"]

            [local_pods]
            log_dir = "{PodLogs}"

            {_extraConfig}
            """);
    }
}
