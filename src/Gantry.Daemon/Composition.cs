using Gantry.Cgroups;
using Gantry.Concurrency;
using Gantry.Configuration;
using Gantry.Containers;
using Gantry.Containers.Cdi;
using Gantry.Containers.SpecBuilding;
using Gantry.Containers.Volumes;
using Gantry.Events;
using Gantry.Identity;
using Gantry.Images;
using Gantry.Images.Registry;
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
        Images = new ImageStore(Paths, Snapshots, log);
        var registry = new RegistryClient(new HostRules(config.CertsDirectories), new RegistryAuthenticator(time), log);
        var limits = new PullLimits(config.MaxParallelDownloads, TimeSpan.FromSeconds(config.NoProgressSeconds));
        Puller = new ImagePuller(registry, Images, Snapshots, new LayerPipeline(new LayerLimits(), log), limits, time, log);
        ImageRemover = new ImageRemover(Images, Snapshots, Puller, log);

        var cni = new CniOptions(config.CniConfDirectory, config.CniBinDirectories, TimeSpan.FromSeconds(config.CniTimeoutSeconds));
        Network = new PodNetwork(cni, new CniPlugin(cni), Paths);
        var pins = new NamespacePins(Paths);

        MountFeatures = new MountFeatures(Paths);
        Handlers = new RuntimeHandlers(
            config.Handlers.ToDictionary(
                handler => handler.Key,
                IContainerRuntime (handler) => new RuntimeCommand(new RuntimeHandler(handler.Key, handler.Value.Path, Paths.RuntimeRoot(handler.Key), handler.Value.Arguments)
                {
                    Environment = handler.Value.Environment,
                    AllowedAnnotations = handler.Value.AllowedAnnotations,
                    PrivilegedWithoutHostDevices = handler.Value.PrivilegedWithoutHostDevices,
                })),
            config.DefaultHandler);
        var monitor = config.Monitor.Length > 0 ? config.Monitor : Path.Combine(AppContext.BaseDirectory, "gantry-monitor");
        Monitors = new MonitorLauncher(monitor, Paths, time, log);
        var specs = new SpecBuilder(Cgroups.Hierarchy);

        Containers = new ContainerStore(Paths);
        var containerLocks = new KeyedLock<ContainerId>();
        var volumes = new VolumeStage(Paths, Images, Snapshots);
        var leftovers = new ContainerLeftovers(Paths, Handlers, Cgroups, volumes, log);
        Exits = new ContainerExits(Containers, leftovers, containerLocks, Events, time, log);
        Starter = new ContainerStarter(Containers, Handlers, leftovers, containerLocks, Events, time, log);
        Stopper = new ContainerStopper(Containers, Handlers, Cgroups, time, log);
        Remover = new ContainerRemover(Containers, Stopper, leftovers, Monitors, containerLocks, Events, time, log);
        Executor = new ContainerExecutor(Containers, Handlers, Paths);
        Logs = new ContainerLogs(Containers, Monitors);
        Updater = new ContainerUpdater(Containers, Handlers, Cgroups.Hierarchy, containerLocks);
        var finisher = new SpecFinisher(new CdiRegistry(config.CdiDirectories), AppArmor.OfNode(Paths.State));
        var creator = new ContainerCreator(Containers, new ContainerParts(Paths, Images, new ContainerRoot(Paths, Snapshots), volumes, specs, finisher, Monitors, Handlers), leftovers, Events, time, log);

        Pods = new PodStore(Paths);
        var podLocks = new KeyedLock<PodId>();
        var places = new PodPlaces(Paths, Containers);
        PodLeftovers = new PodLeftovers(Paths, Network, pins, leftovers, Cgroups, log);
        var init = new PodInit(Paths, Handlers, Monitors, specs, config.PodInit);
        PodRunner = new PodRunner(Paths, Pods, new PodParts(pins, Network, init, Cgroups, Handlers, places), PodLeftovers, Events, time, log);
        PodStopper = new PodStopper(Pods, Containers, Stopper, PodLeftovers, podLocks, Events, time, log);
        PodRemover = new PodRemover(Pods, Containers, PodStopper, Remover, PodLeftovers, Events, time, log);
        PodContainers = new PodContainers(Pods, Containers, creator, places, podLocks);

        var usage = new UsageReader(CgroupReader.For(Cgroups.Hierarchy), new SampleClock(time));
        Statistics = new NodeStatistics(Containers, Pods, usage, new WritableLayers(Paths, time, log), new NetworkCounters(Paths, time));
        Storage = new NodeStorage(Paths);

        var local = new LocalContainers(Paths, new ContainerServices(PodContainers, Starter, Stopper, Remover, Containers), Images, Puller, time);
        Local = new LocalPods(Paths, config.LocalPodLogs, new PodServices(Pods, PodRunner, PodStopper, PodRemover, Containers), local, Images, log);
        Recovery = new NodeRecovery(
            Paths, new RecoveredStores(Pods, Containers), new RecoveredLeftovers(PodLeftovers, leftovers), Monitors, Exits, time, log);
    }

    public GantryConfig Config { get; }

    public NodePaths Paths { get; }

    public CgroupFolder Cgroups { get; }

    public EventStream Events { get; }

    public SnapshotStore Snapshots { get; }

    public ImageStore Images { get; }

    public ImagePuller Puller { get; }

    public ImageRemover ImageRemover { get; }

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

    /// <summary>The chainIDs that containers stand on.</summary>
    public IReadOnlySet<Digest> LayersInUse() => Containers.All.SelectMany(container => container.LayersInUse).ToHashSet();
}
