using Gantry.Cri.Api;

namespace Gantry.Conformance;

/// <summary>
/// What one run of one spec works with: the server's clients, and pods and a folder that are removed at its end whatever
/// happened.
/// </summary>
public sealed class SpecContext : IAsyncDisposable
{
    private static readonly SemaphoreSlim _pulls = new(1, 1);
    private readonly CriConnection _cri;
    private readonly List<SpecPod> _pods = [];
    private readonly string _id = Guid.NewGuid().ToString("N")[..8];
    private int _count;

    public SpecContext(CriConnection cri, SpecSettings settings)
    {
        _cri = cri;
        Settings = settings;
        Folder = Path.Combine(settings.Folder, $"spec-{_id}");
        Directory.CreateDirectory(Folder);
    }

    public SpecSettings Settings { get; }

    /// <summary>Of this run alone.</summary>
    public string Folder { get; }

    public RuntimeService.RuntimeServiceClient Runtime => _cri.Runtime;

    public ImageService.ImageServiceClient Images => _cri.Images;

    public static void Skip(string reason) => throw new SpecSkippedException(reason);

    /// <summary>A name that nothing else has.</summary>
    public string UniqueName(string prefix) => $"{prefix}-{_id}-{Interlocked.Increment(ref _count)}";

    /// <summary>Makes sure that the image is on the node.</summary>
    public async Task<string> PullAsync(string image)
    {
        await _pulls.WaitAsync();
        try
        {
            var spec = new ImageSpec { Image = image };
            if ((await Images.ImageStatusAsync(new ImageStatusRequest { Image = spec })).Image is null)
                await Images.PullImageAsync(new PullImageRequest { Image = spec });
            return image;
        }
        finally
        {
            _pulls.Release();
        }
    }

    /// <summary>The configuration of a pod on a network of its own, as the kubelet sends it.</summary>
    public PodSandboxConfig PodConfig(string name = "pod")
    {
        var unique = UniqueName(name);
        var config = new PodSandboxConfig
        {
            Metadata = new PodSandboxMetadata { Name = unique, Namespace = "conformance", Uid = Guid.NewGuid().ToString() },
            Hostname = unique,
            LogDirectory = Path.Combine(Folder, unique),
            DnsConfig = new DNSConfig(),
            Linux = new LinuxPodSandboxConfig
            {
                CgroupParent = Settings.CgroupParent,
                SecurityContext = new LinuxSandboxSecurityContext
                {
                    NamespaceOptions = new NamespaceOption { Pid = NamespaceMode.Container },
                    Seccomp = new SecurityProfile { ProfileType = SecurityProfile.Types.ProfileType.RuntimeDefault },
                },
            },
        };
        config.DnsConfig.Servers.Add("192.0.2.1");
        config.Labels["io.kubernetes.pod.name"] = unique;
        return config;
    }

    /// <summary>Runs a pod that is removed when the spec ends.</summary>
    public async Task<SpecPod> RunPodAsync(Action<PodSandboxConfig>? change = null)
    {
        var config = PodConfig();
        change?.Invoke(config);
        return await RunPodAsync(config);
    }

    /// <inheritdoc cref="RunPodAsync(Action{PodSandboxConfig})"/>
    public async Task<SpecPod> RunPodAsync(PodSandboxConfig config)
    {
        Directory.CreateDirectory(config.LogDirectory);
        var answer = await Runtime.RunPodSandboxAsync(new RunPodSandboxRequest { Config = config, RuntimeHandler = Settings.Handler });
        var pod = new SpecPod(this, answer.PodSandboxId, config);
        lock (_pods)
            _pods.Add(pod);
        return pod;
    }

    /// <summary>The condition that tells whether pods can get a network.</summary>
    public async Task<RuntimeCondition> NetworkReadyAsync() =>
        (await Runtime.StatusAsync(new StatusRequest())).Status.Conditions.Single(condition => condition.Type == "NetworkReady");

    /// <summary>The line that a server of the node says to a client that says nothing; empty where none answers.</summary>
    public async Task<string> HeardAsync(string address, int port)
    {
        try
        {
            await using var stream = await Settings.ConnectAsync(address, port);
            using var reader = new StreamReader(stream);
            return (await reader.ReadLineAsync()) ?? "";
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
        {
            return "";
        }
    }

    public async ValueTask DisposeAsync()
    {
        // Last first: a container may have joined a namespace of an earlier one.
        foreach (var pod in Enumerable.Reverse(_pods))
            await pod.RemoveAsync();
        Directory.Delete(Folder, recursive: true);
    }
}
