using Gantry.Cli.Naming;
using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Cli.Statistics;

/// <summary>Reads the usage of running containers, again and again; rates are those since the time before.</summary>
internal sealed class StatisticsReader(Session session, IReadOnlyList<string> names)
{
    private Dictionary<string, CpuUsage> _before = [];

    /// <summary>Those of the names given, or of all containers; a container that ends meanwhile is left out.</summary>
    /// <exception cref="CommandException">Nothing has one of the names.</exception>
    public async Task<IReadOnlyList<ContainerSample>> ReadAsync()
    {
        var inventory = await Inventory.ReadAsync(session.Node, session.Cancel);
        var asked = (names.Count == 0 ? inventory.Containers : names.Select(inventory.Find).SelectMany(Containers))
            .Where(one => one.Container.IsRunning).DistinctBy(one => one.Container.Id).ToList();
        var stats = await ReadStatsAsync(asked);
        var samples = asked.Where(one => stats.ContainsKey(one.Container.Id))
            .Select(one => new ContainerSample(one.Pod, one.Container, stats[one.Container.Id], Cores(stats[one.Container.Id])))
            .ToList();
        _before = stats.Values.Where(one => one.Cpu is not null).ToDictionary(one => one.Attributes.Id, one => one.Cpu);
        return samples;
    }

    private static IEnumerable<(NodePod Pod, NodeContainer Container)> Containers((NodePod Pod, NodeContainer? Container) found) =>
        found.Container is { } container ? [(found.Pod, container)] : found.Pod.Containers.Select(one => (found.Pod, one));

    private async Task<Dictionary<string, ContainerStats>> ReadStatsAsync(List<(NodePod Pod, NodeContainer Container)> asked)
    {
        var found = new Dictionary<string, ContainerStats>();
        if (asked.Any(one => !one.Pod.IsLocal))
        {
            var list = await session.Node.Runtime.ListContainerStatsAsync(new ListContainerStatsRequest(), cancellationToken: session.Cancel);
            foreach (var stats in list.Stats.Where(stats => stats.Attributes is not null))
                found[stats.Attributes.Id] = stats;
        }
        // Local pods are in no list of the CRI's.
        foreach (var stats in await Task.WhenAll(asked.Where(one => one.Pod.IsLocal).Select(one => TryReadAsync(one.Container.Id))))
        {
            if (stats?.Cpu is not null)
                found[stats.Attributes.Id] = stats;
        }
        return found;
    }

    private async Task<ContainerStats?> TryReadAsync(string container)
    {
        try
        {
            return (await session.Node.Runtime.ContainerStatsAsync(new ContainerStatsRequest { ContainerId = container }, cancellationToken: session.Cancel)).Stats;
        }
        catch (RpcException failure) when (failure.StatusCode == StatusCode.NotFound)
        {
            return null;
        }
    }

    private double? Cores(ContainerStats stats)
    {
        if (stats.Cpu is not { UsageCoreNanoSeconds: { } used } now)
            return stats.Cpu?.UsageNanoCores?.Value / 1e9;
        return _before.GetValueOrDefault(stats.Attributes.Id) is { UsageCoreNanoSeconds: { } usedBefore } before
            && now.Timestamp > before.Timestamp && used.Value >= usedBefore.Value
            ? (double)(used.Value - usedBefore.Value) / (now.Timestamp - before.Timestamp)
            : now.UsageNanoCores?.Value / 1e9;
    }
}
