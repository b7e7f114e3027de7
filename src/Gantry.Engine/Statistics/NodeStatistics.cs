using Gantry.Cgroups;
using Gantry.Containers;
using Gantry.Identity;
using Gantry.Linux.Processes;
using Gantry.Networking;
using Gantry.Pods;

namespace Gantry.Statistics;

/// <summary>
/// What pods and containers use, read when it is asked for. Nothing runs in the background: a node that nobody asks spends
/// nothing on statistics.
/// </summary>
public sealed class NodeStatistics(ContainerStore containers, PodStore pods, UsageReader usage, WritableLayers layers, NetworkCounters network)
{
    /// <summary>So many more may be remembered than there are before the rest is looked for and forgotten.</summary>
    private const int Slack = 64;

    private const string DefaultInterface = "eth0";

    /// <summary>A container's usage, in any state: of one that does not run only its writable layer is known.</summary>
    public ContainerUsage Read(ContainerRecord container)
    {
        var resources = container.State is ContainerState.Running ? usage.TryRead(container.CgroupPath) : null;
        return new ContainerUsage(container, resources, layers.Usage(container.Id));
    }

    /// <summary>
    /// The usage of those of the containers that run, complete. One that ends meanwhile is left out: half an entry reads as
    /// a container that needs nothing, and would cost its pod all of its measures.
    /// </summary>
    public IReadOnlyList<ContainerUsage> ReadRunning(IEnumerable<ContainerRecord> asked)
    {
        ForgetGone();
        var found = new List<ContainerUsage>();
        foreach (var container in asked)
        {
            if (container.State is ContainerState.Running && usage.TryRead(container.CgroupPath) is { } resources)
                found.Add(new ContainerUsage(container, resources, layers.Usage(container.Id)));
        }
        return found;
    }

    /// <summary>The usage of pods with their running containers; a part that could not be read is missing.</summary>
    public async Task<IReadOnlyList<PodUsage>> ReadAsync(IReadOnlyList<PodRecord> asked, CancellationToken cancel)
    {
        ForgetGone();
        var interfaces = await ReadNetworkAsync(asked, cancel);
        var at = usage.Clock.Next();
        var running = containers.All.Where(container => container.State is ContainerState.Running).ToLookup(container => container.Pod);
        return [.. asked.Select(pod => pod.State is PodState.Ready
            ? Read(pod, interfaces.GetValueOrDefault(pod.Id) is { } found ? Network(found, at) : null, running[pod.Id])
            : new PodUsage(pod, null, null, null, []))];
    }

    /// <summary>The interfaces of those of the pods that have a network of their own and are Ready.</summary>
    public Task<IReadOnlyDictionary<PodId, IReadOnlyList<InterfaceCounters>>> ReadNetworkAsync(IReadOnlyList<PodRecord> asked, CancellationToken cancel) =>
        network.ReadAsync([.. asked.Where(pod => pod.State is PodState.Ready && pod.Pinned.Contains("net")).Select(pod => pod.Id)], cancel);

    /// <summary>What all containers have written, ended ones too, by the last measures.</summary>
    public (long Bytes, long Inodes) WritableLayers()
    {
        ForgetGone();
        var known = containers.All.Select(container => layers.Usage(container.Id)).OfType<LayerUsage>().ToList();
        return (known.Sum(layer => layer.Bytes), known.Sum(layer => layer.Inodes));
    }

    /// <summary>Everything that is known of those of the containers that run.</summary>
    public IReadOnlyList<ContainerDetail> ReadDetails(IEnumerable<ContainerRecord> asked) => [.. ReadRunning(asked).Select(ReadDetail)];

    private PodUsage Read(PodRecord pod, NetworkUsage? interfaces, IEnumerable<ContainerRecord> running)
    {
        var read = ReadRunning(running);
        ulong processes = 0;
        foreach (var container in read)
            processes += Processes(container.Container.CgroupPath);
        if (pod.InitPid != 0)
            processes += Processes(PodInit.CgroupPath(pod.CgroupPath, pod.Id));
        var count = new ProcessCount(processes, usage.Clock.Next());
        // A cgroup that its first container has yet to make has used nothing.
        return new PodUsage(pod, usage.TryRead(pod.CgroupPath) ?? Nothing(), interfaces, count, read);
    }

    private ResourceUsage Nothing() => new(new CpuSample(usage.Clock.Next(), 0, 0), new CgroupMemory { Usage = 0 }, usage.Clock.Next(), null);

    private ulong Processes(string cgroup) => usage.Place(cgroup).Processes is { } folder ? CgroupProcesses.Count(folder) ?? 0 : 0;

    private static NetworkUsage? Network(IReadOnlyList<InterfaceCounters> interfaces, long at) => interfaces.Count == 0
        ? null
        : new NetworkUsage([.. interfaces.OrderByDescending(counters => counters.Name == DefaultInterface)], at);

    private ContainerDetail ReadDetail(ContainerUsage container)
    {
        var place = usage.Place(container.Container.CgroupPath);
        var pids = place.Processes is { } folder ? CgroupProcesses.List(folder) : [];
        long descriptors = 0;
        long sockets = 0;
        foreach (var pid in pids)
        {
            var open = OpenFiles.Of(pid);
            descriptors += open.Descriptors;
            sockets += open.Sockets;
        }
        return new ContainerDetail(container)
        {
            Cpu = usage.Cgroups.Cpu(place),
            Memory = usage.Cgroups.MemoryDetail(place),
            BlockIo = usage.Cgroups.BlockIo(place),
            Threads = usage.Cgroups.Threads(place),
            HugePages = usage.Cgroups.HugePages(place),
            Processes = (ulong)pids.Count,
            Files = new OpenFiles(descriptors, sockets),
            OpenFilesLimit = ResourceLimits.OpenFiles(container.Container.Pid),
        };
    }

    private void ForgetGone()
    {
        if (layers.Count > containers.All.Length + Slack)
            layers.Keep(id => containers.TryGet(id) is not null);
        if (usage.Count <= containers.All.Length + (2 * pods.All.Length) + Slack)
            return;
        var cgroups = containers.All.Select(container => container.CgroupPath)
            .Concat(pods.All.SelectMany(pod => new[] { pod.CgroupPath, PodInit.CgroupPath(pod.CgroupPath, pod.Id) }))
            .ToHashSet();
        usage.Keep(cgroups.Contains);
    }
}
