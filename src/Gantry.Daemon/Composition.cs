using Gantry.Cgroups;
using Gantry.Concurrency;
using Gantry.Configuration;
using Gantry.Containers;
using Gantry.Containers.Cdi;
using Gantry.Containers.Selinux;
using Gantry.Containers.SpecBuilding;
using Gantry.Containers.Volumes;
using Gantry.Events;
using Gantry.Images;
using Gantry.Identity;
using Gantry.Images.Archives;
using Gantry.Images.Checking;
using Gantry.Images.Manifests;
using Gantry.Images.Pulling;
using Gantry.Images.Registry;
using Gantry.Images.Registry.Access;
using Gantry.Images.Registry.Hosts;
using Gantry.Images.Registry.Http;
using Gantry.Images.Store;
using Gantry.Images.Trust;
using Gantry.Images.Unpacking;
using Gantry.Monitoring;
using Gantry.Networking;
using Gantry.Oci;
using Gantry.Persistence;
using Gantry.Pods;
using Gantry.Pods.Local;
using Gantry.Recovery;
using Gantry.Snapshots;
using Gantry.Statistics;
using Gantry.Streaming;

namespace Gantry;

/// <summary>Everything that the daemon is made of, built top to bottom.</summary>
public sealed class Composition
{
    private volatile bool _isRecovered;

    public Composition(GantryConfig config, ILogger log)
    {
        var time = TimeProvider.System;
        Config = config;
        Paths = new NodePaths(config.Root, config.State);
        Cgroups = new CgroupFolder(CgroupHierarchy.Detect());
        Events = new EventStream();

        Snapshots = new SnapshotStore(Paths, log);
        var registryConfig = config.Registry;
        var imageLimits = new ImageLimits(registryConfig.MaxLayers, registryConfig.MaxImageBytes);
        Images = new ImageStore(Paths, Snapshots, imageLimits, log);
        ImageCollector = new ImageCollector(Images, Snapshots, LayersInUse, time, log);
        ImageRemover = new ImageRemover(Images, ImageCollector, log);
        Registry = CreateRegistry(registryConfig, time, log);
        var layerLimits = new LayerLimits { MaxBytes = registryConfig.MaxImageBytes, MaxEntries = registryConfig.MaxImageFiles };
        var pipeline = new LayerPipeline(layerLimits, log, RateLimit.Of(registryConfig.UnpackBytesPerSecond, time));
        var layers = new LayerFetcher(Images, Snapshots, pipeline, new PullLimits(registryConfig.MaxParallelDownloads, registryConfig.MaxParallelDownloadsOfPull), log);
        ImageStores = new ImageStores(Paths, Images, Snapshots, ImageCollector, imageLimits);
        var policy = new TrustPolicy(registryConfig.PolicyFile, mayBeMissing: registryConfig.PolicyFile == new RegistryConfig().PolicyFile);
        Puller = new ImagePuller(Registry, ImageStores, layers, new SignatureVerifier(policy, Registry, time), time, log);
        ImageChecker = new ImageChecker(ImageStores, Registry, Puller, pipeline, LayersInUse, log);
        ImageImporter = new ImageImporter(ImageStores, layers, Puller, time, log);
        ImageExporter = new ImageExporter(Images);
        ImagePruner = new ImagePruner(Images, ImageCollector, LayersInUse);
        var careConfig = new ImageCareOptions(registryConfig.ImportDirectory, TimeSpan.FromHours(registryConfig.ScrubHours), RateLimit.Of(registryConfig.ScrubBytesPerSecond, time));
        ImageCare = new ImageCare(careConfig, Paths, ImageImporter, ImageChecker, ImageCollector, time, log);

        var cni = new CniOptions(config.CniConfDirectory, config.CniBinDirectories, TimeSpan.FromSeconds(config.CniTimeoutSeconds)) { MaxParallel = config.CniMaxParallel };
        Network = new PodNetwork(cni, new CniPlugin(cni), Paths, time);
        var pins = new NamespacePins(Paths);

        MountFeatures = new MountFeatures(Paths);
        var runtimeDeadline = TimeSpan.FromSeconds(config.RuntimeTimeoutSeconds);
        var runtimes = new RuntimeLimits(new CallLimit("OCI runtimes", config.RuntimeMaxParallel, runtimeDeadline, time), runtimeDeadline);
        var kernel = new KernelCalls(config.RuntimeMaxParallel, runtimeDeadline, time);
        Handlers = new RuntimeHandlers(
            config.Handlers.ToDictionary(
                handler => handler.Key,
                IContainerRuntime (handler) => new RuntimeCommand(
                    new RuntimeHandler(handler.Key, handler.Value.Path, Paths.RuntimeRoot(handler.Key), handler.Value.Arguments)
                    {
                        Environment = handler.Value.Environment,
                        AllowedAnnotations = handler.Value.AllowedAnnotations,
                        PrivilegedWithoutHostDevices = handler.Value.PrivilegedWithoutHostDevices,
                    },
                    runtimes,
                    // Each its own: a program that cannot be read for long holds up the execs of its handler alone.
                    new ExecSpawner(Paths.State, log))),
            config.DefaultHandler);
        var monitor = config.Monitor.Length > 0 ? config.Monitor : Path.Combine(AppContext.BaseDirectory, "gantry-monitor");
        Monitors = new MonitorLauncher(monitor, Paths, runtimes, time, log);
        var specs = new SpecBuilder(Cgroups.Hierarchy);

        Containers = new ContainerStore(Paths);
        var containerLocks = new KeyedLock<ContainerId>();
        var volumes = new VolumeStage(Paths, Images, Snapshots);
        var leftovers = new ContainerLeftovers(Paths, Handlers, Cgroups, volumes, log);
        Exits = new ContainerExits(Containers, leftovers, containerLocks, Events, time, log);
        Starter = new ContainerStarter(Containers, Handlers, leftovers, containerLocks, Events, time, log);
        Stopper = new ContainerStopper(Containers, Handlers, Monitors, Cgroups, containerLocks, time, log);
        Remover = new ContainerRemover(Containers, Stopper, leftovers, Monitors, containerLocks, Events, time, log);
        Executor = new ContainerExecutor(Containers, Handlers, Paths);
        Logs = new ContainerLogs(Containers, Monitors);
        Updater = new ContainerUpdater(Containers, Handlers, Cgroups.Hierarchy, containerLocks);
        var finisher = new SpecFinisher(new CdiRegistry(config.CdiDirectories), AppArmor.OfNode(Paths.State));
        var parts = new ContainerParts(Paths, Images, new ContainerRoot(Paths, Snapshots), volumes, specs, finisher, Monitors, Handlers, new SeccompFilters(time), kernel);
        var creator = new ContainerCreator(Containers, parts, leftovers, Events, time, log);

        Pods = new PodStore(Paths);
        var podGate = new PodGate();
        var selinux = new SelinuxLabels(new SelinuxPolicy(new SelinuxPaths()), config.Selinux);
        var places = new PodPlaces(Paths, Containers, selinux);
        PodLeftovers = new PodLeftovers(Paths, Network, pins, leftovers, Cgroups, log);
        var init = new PodInit(Paths, Handlers, Monitors, specs, config.PodInit);
        PodRunner = new PodRunner(Paths, Pods, new PodParts(pins, Network, init, Cgroups, Handlers, places, selinux), PodLeftovers, Events, time, log);
        PodStopper = new PodStopper(Pods, Containers, Stopper, PodLeftovers, podGate, Events, time, log);
        PodRemover = new PodRemover(Pods, Containers, PodStopper, Remover, PodLeftovers, Events, time, log);
        PodContainers = new PodContainers(Pods, Containers, creator, places, podGate);

        Attacher = new ContainerAttacher(Containers, Monitors);
        PortForwarder = new PodPortForwarder(Pods, Paths);
        var streaming = StreamingOf(config);
        var streams = new StreamServices(new ExecStream(Executor), new AttachStream(Attacher, time), new PortForwardStream(PortForwarder));
        Streaming = new StreamingEndpoint(streaming, new StreamTokens(time), new StreamSessions(streaming, streams, Containers, Pods, time), log);
        var usage = new UsageReader(CgroupReader.For(Cgroups.Hierarchy), new SampleClock(time));
        Statistics = new NodeStatistics(Containers, Pods, usage, new WritableLayers(Paths, time, log), new NetworkCounters(Paths, time));
        Storage = new NodeStorage(Paths);

        var local = new LocalContainers(
            Paths, new ContainerServices(PodContainers, Starter, Stopper, Remover, Containers), Images, Puller, kernel,
            TimeSpan.FromSeconds(config.LocalPodRestartDelaySeconds), time);
        Local = new LocalPods(Paths, config.LocalPodLogs, new PodServices(Pods, PodRunner, PodStopper, PodRemover, Containers), local, Images, log);
        var stores = new RecoveredStores(Pods, Containers);
        Cleanup = new RecoveryCleanup(Paths, stores, new RecoveryTools(PodLeftovers, leftovers, PodStopper, Remover, Exits), Monitors, time, log);
        Recovery = new NodeRecovery(Paths, stores, Monitors, Exits, Cleanup, time, log);
    }

    public GantryConfig Config { get; }

    public NodePaths Paths { get; }

    public CgroupFolder Cgroups { get; }

    public EventStream Events { get; }

    public SnapshotStore Snapshots { get; }

    public ImageStore Images { get; }

    public ImagePuller Puller { get; }

    public ImageRemover ImageRemover { get; }

    public ImageCollector ImageCollector { get; }

    public ImageStores ImageStores { get; }

    public RegistryClient Registry { get; }

    public ImageChecker ImageChecker { get; }

    public ImageImporter ImageImporter { get; }

    public ImageExporter ImageExporter { get; }

    public ImagePruner ImagePruner { get; }

    public ImageCare ImageCare { get; }

    public PodNetwork Network { get; }

    public RuntimeHandlers Handlers { get; }

    public MountFeatures MountFeatures { get; }

    public MonitorLauncher Monitors { get; }

    public ContainerStore Containers { get; }

    public ContainerExits Exits { get; }

    public ContainerStarter Starter { get; }

    public ContainerStopper Stopper { get; }

    public ContainerRemover Remover { get; }

    public ContainerExecutor Executor { get; }

    public ContainerAttacher Attacher { get; }

    public PodPortForwarder PortForwarder { get; }

    public StreamingEndpoint Streaming { get; }

    public ContainerLogs Logs { get; }

    public ContainerUpdater Updater { get; }

    public PodStore Pods { get; }

    public PodLeftovers PodLeftovers { get; }

    public PodRunner PodRunner { get; }

    public PodStopper PodStopper { get; }

    public PodRemover PodRemover { get; }

    public PodContainers PodContainers { get; }

    public NodeStatistics Statistics { get; }

    public NodeStorage Storage { get; }

    public LocalPods Local { get; }

    public NodeRecovery Recovery { get; }

    public RecoveryCleanup Cleanup { get; }

    /// <summary>Set when recovery is done: until then every answer but Version's is Unavailable.</summary>
    public bool IsRecovered
    {
        get => _isRecovered;
        set => _isRecovered = value;
    }

    /// <summary>A pod's init process has ended, and with it the namespace that its containers share.</summary>
    public Task PodLost(PodId id)
    {
        if (Pods.TryGet(id) is { State: PodState.Ready } && Pods.Update(id, pod => pod.Stopped()) is not null)
            Events.Publish(new NodeEvent(NodeEventKind.Stopped, id, null, TimeProvider.System.Nanoseconds()));
        return Task.CompletedTask;
    }

    private static StreamingOptions StreamingOf(GantryConfig config) => new()
    {
        Address = System.Net.IPAddress.Parse(config.StreamingAddress),
        Port = config.StreamingPort,
        Tls = config.StreamingCertificate.Length > 0 ? new TlsFiles(config.StreamingCertificate, config.StreamingKey, config.StreamingClientAuthorities) : null,
        IdleLimit = TimeSpan.FromSeconds(config.StreamingIdleSeconds),
        CreationLimit = TimeSpan.FromSeconds(config.StreamingCreationSeconds),
    };

    private static RegistryClient CreateRegistry(RegistryConfig config, TimeProvider time, ILogger log)
    {
        var transport = new RegistryTransport(new EnvironmentProxy(Environment.GetEnvironmentVariable));
        var limits = new RegistryLimits(TimeSpan.FromSeconds(config.NoProgressSeconds), TimeSpan.FromSeconds(config.RetrySeconds))
        {
            Download = RateLimit.Of(config.DownloadBytesPerSecond, time),
            DownloadByHost = config.DownloadBytesPerSecondByHost.Where(limit => limit.Value > 0).ToDictionary(limit => limit.Key, limit => new RateLimit(limit.Value, time)),
        };
        return new RegistryClient(
            new HostRules(config.CertsDirectories, config.RegistriesConf), new CredentialSources(config.Auth, config.AuthFiles, config.HelperFolders),
            new RegistryAuthenticator(transport, config.TokenHosts, time), transport, limits, new RegistryContext(time, log));
    }

    /// <summary>Whether a container is of a pod that runs without a kubelet.</summary>
    public bool IsLocal(ContainerRecord container) => Pods.TryGet(container.Pod) is { Spec.IsLocal: true };

    /// <summary>The chainIDs that containers stand on.</summary>
    public IReadOnlySet<Digest> LayersInUse() => Containers.All.SelectMany(container => container.LayersInUse).ToHashSet();
}
