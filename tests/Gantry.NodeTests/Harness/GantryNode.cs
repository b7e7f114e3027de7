using System.Diagnostics;
using Gantry.Api;
using Gantry.Conformance;
using Gantry.Cri.Api;
using Xunit;

namespace Gantry.NodeTests.Harness;

/// <summary>
/// One daemon with roots, socket, network configuration and cgroup of its own, made of the published programs. Disposing
/// removes its pods, ends it and fails if anything of it is left; what is left is then removed all the same.
/// </summary>
public sealed class GantryNode : IAsyncDisposable
{
    private static readonly TimeSpan _startLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _endLimit = TimeSpan.FromSeconds(20);
    private static int _count;
    private readonly NodeNetwork _network;
    private readonly List<string> _mounts = [];
    private Process? _daemon;
    private bool _wasStarted;

    private GantryNode(NodeNetwork network)
    {
        _network = network;
        Number = Interlocked.Increment(ref _count);
        Directory = $"{network.Directory}/{Number}";
        CgroupParent = $"/{network.Name}-{Number}";
        Gates = new Gates($"{Directory}/gates");
        Cri = new CriConnection(Socket);
    }

    public int Number { get; }

    public string Directory { get; }

    public string CgroupParent { get; }

    public NodeNetwork Network => _network;

    public string Socket => $"{State}/gantry.sock";

    public string Root => $"{Directory}/root";

    /// <summary>A tmpfs with the state directory on it, as the node's /run.</summary>
    public string Run => $"{Directory}/run";

    public string State => $"{Run}/gantry";

    public string ConfigFile => $"{Directory}/config.toml";

    public string LogFile => $"{Directory}/gantryd.log";

    public string PodLogs => $"{Directory}/pods";

    /// <summary>Makes plugins and runtimes of this node hang or fail.</summary>
    public Gates Gates { get; }

    public RuntimeService.RuntimeServiceClient Runtime => Cri.Runtime;

    public ImageService.ImageServiceClient Images => Cri.Images;

    /// <summary>The same over all of the node's daemons: it connects again.</summary>
    public CriConnection Cri { get; }

    public GantryService.GantryServiceClient Local => new(Cri.Channel);

    public int DaemonPid => _daemon!.Id;

    public bool IsRunning => _daemon is { HasExited: false };

    /// <summary>Mount points that the test itself has made for this node.</summary>
    public IReadOnlyCollection<string> Mounts => _mounts;

    /// <summary>What specs need to run on this node.</summary>
    public SpecSettings Settings(string handler = "") => new()
    {
        Folder = Directory,
        Handler = handler,
        CgroupParent = CgroupParent,
        NetworkNamespace = _network.NetnsPath,
        ConnectAsync = (host, port) => Task.FromResult(NetnsConnection.Connect(_network.NetnsPath, host, port)),
    };

    /// <summary>Pods and containers of a test, made as the kubelet makes them.</summary>
    public SpecContext Context(string handler = "") => new(Cri, Settings(handler));

    /// <summary>Makes a node and waits until it answers.</summary>
    /// <param name="network">The run's network.</param>
    /// <param name="extraConfig">More of its configuration, as a drop-in file.</param>
    /// <param name="prepare">Changes the node's folders before the daemon starts.</param>
    public static async Task<GantryNode> StartAsync(NodeNetwork network, string extraConfig = "", Action<GantryNode>? prepare = null)
    {
        var node = Prepare(network, extraConfig);
        try
        {
            prepare?.Invoke(node);
            await node.StartDaemonAsync();
            return node;
        }
        catch
        {
            Leftovers.Remove(node);
            throw;
        }
    }

    /// <summary>A node's folders and configuration, without a daemon.</summary>
    public static GantryNode Prepare(NodeNetwork network, string extraConfig = "")
    {
        var node = new GantryNode(network);
        NodeFiles.Write(node, extraConfig);
        System.IO.Directory.CreateDirectory(node.Run);
        Shell.Run("mount", "-t", "tmpfs", "-o", "mode=755", "run", node.Run);
        node._mounts.Add(node.Run);
        return node;
    }

    public async Task StartDaemonAsync()
    {
        BeginDaemon();
        try
        {
            await NodeNetwork.WaitForAsync(
                async () => !IsRunning || (await Runtime.StatusAsync(new StatusRequest())).Status.Conditions.Count >= 2, _startLimit, "gantryd");
        }
        catch (Exception e) when (e is TimeoutException or Grpc.Core.RpcException)
        {
            throw new TimeoutException($"{e.Message}; its log:\n{ReadLog()}");
        }
        Assert.True(IsRunning, $"gantryd ended at its start; its log:\n{ReadLog()}");
    }

    /// <summary>Starts the daemon and waits for nothing.</summary>
    public void BeginDaemon()
    {
        _wasStarted = true;
        _daemon = _network.Start(LogFile, $"{NodeNetwork.Programs}/gantryd", "--config", ConfigFile);
    }

    /// <summary>Another daemon with these arguments, run to its end.</summary>
    public (int Code, string Output) RunDaemon(params string[] arguments) =>
        Shell.Try("nsenter", [$"--net={_network.NetnsPath}", "--", $"{NodeNetwork.Programs}/gantryd", .. arguments]);

    /// <summary>SIGKILL, as a power-minded friend would.</summary>
    public async Task KillDaemonAsync()
    {
        _daemon!.Kill();
        await _daemon.WaitForExitAsync();
        Forget();
    }

    public async Task RestartDaemonAsync()
    {
        await KillDaemonAsync();
        await StartDaemonAsync();
    }

    /// <summary>SIGTERM; the daemon's exit code.</summary>
    /// <param name="within">In which it must end.</param>
    public async Task<int> StopDaemonAsync(TimeSpan? within = null)
    {
        Shell.Run("kill", "-TERM", $"{_daemon!.Id}");
        using var limit = new CancellationTokenSource(within ?? _endLimit);
        try
        {
            await _daemon.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _daemon.Kill();
            await _daemon.WaitForExitAsync();
            throw new TimeoutException($"gantryd did not end within {(within ?? _endLimit).TotalSeconds} s of SIGTERM; its log:\n{ReadLog()}");
        }
        var code = _daemon.ExitCode;
        Forget();
        return code;
    }

    public string ReadLog() => File.Exists(LogFile) ? File.ReadAllText(LogFile) : "";

    /// <summary>Runs the published command line against this node.</summary>
    public ShellResult Gantry(params string[] arguments) => Shell.Capture($"{NodeNetwork.Programs}/gantry", ["--endpoint", $"unix://{Socket}", .. arguments]);

    /// <summary>Mounts a tmpfs of that size, to be filled.</summary>
    public string MountSmall(string path, string size)
    {
        System.IO.Directory.CreateDirectory(path);
        Shell.Run("mount", "-t", "tmpfs", "-o", $"size={size}", "small", path);
        _mounts.Add(path);
        return path;
    }

    /// <summary>Mounts a disk of its own: an ext4 in a file, with the lost+found that such ones have.</summary>
    public string MountDisk(string path, int mebibytes)
    {
        var file = $"{Directory}/disk-{_mounts.Count}";
        System.IO.Directory.CreateDirectory(path);
        Shell.Run("truncate", "-s", $"{mebibytes}M", file);
        Shell.Run("mkfs.ext4", "-q", file);
        Shell.Run("mount", "-o", "loop", file, path);
        _mounts.Add(path);
        return path;
    }

    public async ValueTask DisposeAsync()
    {
        var problems = new List<string>();
        try
        {
            Gates.OpenAll();
            if (_wasStarted)
                problems.AddRange(await EndAsync());
        }
        catch (Exception e)
        {
            problems.Add(e.ToString());
        }
        var log = ReadLog();
        Leftovers.Remove(this);
        Cri.Dispose();
        if (problems.Count > 0)
            throw new InvalidOperationException($"node {Number}:\n{string.Join('\n', problems)}\nits log:\n{log}");
    }

    private async Task<IReadOnlyList<string>> EndAsync()
    {
        if (!IsRunning)
            await StartDaemonAsync();
        await RemovePodsAsync();
        var code = await StopDaemonAsync();
        var left = await Leftovers.AwaitNoneAsync(this);
        return code == 0 ? left : [$"gantryd ended with {code}", .. left];
    }

    private async Task RemovePodsAsync()
    {
        foreach (var pod in (await Local.ListPodsAsync(new ListPodsRequest())).Pods)
            await Local.RemovePodAsync(new RemovePodRequest { Pod = pod.Id, Force = true });
        await Task.WhenAll((await Runtime.ListPodSandboxAsync(new ListPodSandboxRequest())).Items.Select(async pod =>
            await Runtime.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = pod.Id })));
        foreach (var container in (await Runtime.ListContainersAsync(new ListContainersRequest())).Containers)
            await Runtime.RemoveContainerAsync(new RemoveContainerRequest { ContainerId = container.Id });
    }

    private void Forget()
    {
        _daemon?.Dispose();
        _daemon = null;
    }
}
