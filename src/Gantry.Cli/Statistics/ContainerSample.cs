using System.Text.Json.Nodes;
using Gantry.Cli.Naming;
using Gantry.Cli.Output;
using Gantry.Cri.Api;

namespace Gantry.Cli.Statistics;

/// <summary>What a container uses.</summary>
/// <param name="Pod">Its pod.</param>
/// <param name="Container">The container.</param>
/// <param name="Stats">As the CRI tells it; parts may be missing.</param>
/// <param name="Cores">How many cores it keeps busy; null while only one sample of its CPU time is known.</param>
internal sealed record ContainerSample(NodePod Pod, NodeContainer Container, ContainerStats Stats, double? Cores)
{
    /// <summary>Null where the container has no memory limit.</summary>
    public ulong? MemoryLimit => Stats.Memory is { AvailableBytes.Value: > 0 } memory ? memory.AvailableBytes.Value + (memory.WorkingSetBytes?.Value ?? 0) : null;

    /// <summary>The fields of -o json: added to, never renamed (docs/cli.md).</summary>
    public JsonObject ToJson() => new()
    {
        ["id"] = Container.Id,
        ["name"] = Container.Name,
        ["pod"] = new JsonObject { ["id"] = Pod.Id, ["name"] = Pod.Name, ["namespace"] = Pod.Namespace, ["local"] = Pod.IsLocal },
        ["cpu"] = Stats.Cpu is { } cpu
            ? new JsonObject { ["at"] = HumanText.Instant(cpu.Timestamp), ["cores"] = Cores, ["usageNanoseconds"] = cpu.UsageCoreNanoSeconds?.Value, ["pressure"] = Pressure(cpu.Psi) }
            : null,
        ["memory"] = Stats.Memory is { } memory
            ? new JsonObject
            {
                ["at"] = HumanText.Instant(memory.Timestamp),
                ["workingSetBytes"] = memory.WorkingSetBytes?.Value,
                ["usageBytes"] = memory.UsageBytes?.Value,
                ["rssBytes"] = memory.RssBytes?.Value,
                ["availableBytes"] = memory.AvailableBytes?.Value,
                ["pageFaults"] = memory.PageFaults?.Value,
                ["majorPageFaults"] = memory.MajorPageFaults?.Value,
                ["pressure"] = Pressure(memory.Psi),
            }
            : null,
        ["swap"] = Stats.Swap is { } swap
            ? new JsonObject { ["usageBytes"] = swap.SwapUsageBytes?.Value, ["availableBytes"] = swap.SwapAvailableBytes?.Value }
            : null,
        ["io"] = Stats.Io is { } io ? new JsonObject { ["pressure"] = Pressure(io.Psi) } : null,
        ["writableLayer"] = Stats.WritableLayer is { } layer
            ? new JsonObject
            {
                ["at"] = HumanText.Instant(layer.Timestamp),
                ["usedBytes"] = layer.UsedBytes?.Value,
                ["inodesUsed"] = layer.InodesUsed?.Value,
                ["mountPoint"] = layer.FsId?.Mountpoint,
            }
            : null,
    };

    private static JsonObject? Pressure(PsiStats? psi) => psi is null ? null : new JsonObject { ["some"] = Line(psi.Some), ["full"] = Line(psi.Full) };

    private static JsonObject? Line(PsiData? line) => line is null
        ? null
        : new JsonObject { ["avg10"] = line.Avg10, ["avg60"] = line.Avg60, ["avg300"] = line.Avg300, ["totalNanoseconds"] = line.Total };
}
