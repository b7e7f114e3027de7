using Gantry.Cgroups;
using Gantry.Cri.Api;
using Gantry.Networking;
using Gantry.Statistics;
using NetworkUsage = Gantry.Statistics.NetworkUsage;

namespace Gantry.Cri.Translation;

/// <summary>The engine's usage as the CRI's statistics.</summary>
internal static class UsageToCri
{
    /// <param name="mountPoint">Of the file system that holds the writable layer.</param>
    public static ContainerStats Container(ContainerUsage usage, string mountPoint)
    {
        var container = usage.Container;
        var stats = new ContainerStats
        {
            Attributes = new ContainerAttributes
            {
                Id = container.Id.Value,
                Metadata = new ContainerMetadata { Name = container.Spec.Name, Attempt = container.Spec.Attempt },
            },
            Cpu = Cpu(usage.Resources),
            Memory = Memory(usage.Resources),
            Swap = Swap(usage.Resources),
            Io = Io(usage.Resources),
            WritableLayer = Layer(usage.Layer, mountPoint),
        };
        Copy(container.Spec.Labels, stats.Attributes.Labels);
        Copy(container.Spec.Annotations, stats.Attributes.Annotations);
        return stats;
    }

    /// <inheritdoc cref="Container"/>
    public static PodSandboxStats Pod(PodUsage usage, string mountPoint)
    {
        var stats = new PodSandboxStats
        {
            Attributes = new PodSandboxAttributes { Id = usage.Pod.Id.Value, Metadata = StatusToCri.Metadata(usage.Pod.Spec) },
            // The kubelet reads through it without a look, of a stopped pod too.
            Linux = new LinuxPodSandboxStats
            {
                Cpu = Cpu(usage.Resources),
                Memory = Memory(usage.Resources),
                Io = Io(usage.Resources),
                Network = Network(usage.Network),
                Process = usage.Processes is { } count ? new ProcessUsage { Timestamp = count.At, ProcessCount = Value(count.Processes) } : null,
            },
        };
        Copy(usage.Pod.Spec.Labels, stats.Attributes.Labels);
        Copy(usage.Pod.Spec.Annotations, stats.Attributes.Annotations);
        foreach (var container in usage.Containers)
            stats.Linux.Containers.Add(Container(container, mountPoint));
        return stats;
    }

    private static CpuUsage? Cpu(ResourceUsage? usage) => usage?.Cpu is { } cpu
        ? new CpuUsage
        {
            Timestamp = cpu.At,
            UsageCoreNanoSeconds = Value(cpu.UsageNanoseconds),
            UsageNanoCores = cpu.NanoCores is { } rate ? Value(rate) : null,
            Psi = Pressure(usage.Pressure?.Cpu),
        }
        : null;

    private static MemoryUsage? Memory(ResourceUsage? usage) => usage?.Memory is { } memory
        ? new MemoryUsage
        {
            Timestamp = usage.MemoryAt,
            WorkingSetBytes = Value(memory.WorkingSet),
            AvailableBytes = memory.Available is { } available ? Value(available) : null,
            UsageBytes = Value(memory.Usage),
            RssBytes = Value(memory.Rss),
            PageFaults = Value(memory.PageFaults),
            MajorPageFaults = Value(memory.MajorPageFaults),
            Psi = Pressure(usage.Pressure?.Memory),
        }
        : null;

    private static SwapUsage? Swap(ResourceUsage? usage) => usage?.Memory?.Swap is { } swap
        ? new SwapUsage
        {
            Timestamp = usage.MemoryAt,
            SwapUsageBytes = Value(swap),
            SwapAvailableBytes = usage.Memory.SwapAvailable is { } available ? Value(available) : null,
        }
        : null;

    private static IoUsage? Io(ResourceUsage? usage) =>
        usage?.Pressure is { Io: { } io } pressure ? new IoUsage { Timestamp = pressure.At, Psi = Pressure(io) } : null;

    private static FilesystemUsage? Layer(LayerUsage? layer, string mountPoint) => layer is null
        ? null
        : new FilesystemUsage
        {
            Timestamp = layer.At,
            FsId = new FilesystemIdentifier { Mountpoint = mountPoint },
            UsedBytes = Value((ulong)layer.Bytes),
            InodesUsed = Value((ulong)layer.Inodes),
        };

    private static Api.NetworkUsage? Network(NetworkUsage? network)
    {
        if (network is null)
            return null;
        // The kubelet reads the default interface without a look.
        var usage = new Api.NetworkUsage { Timestamp = network.At, DefaultInterface = Interface(network.Interfaces[0]) };
        usage.Interfaces.Add(network.Interfaces.Skip(1).Select(Interface));
        return usage;
    }

    private static NetworkInterfaceUsage Interface(InterfaceCounters counters) => new()
    {
        Name = counters.Name,
        RxBytes = Value(counters.ReceivedBytes),
        RxErrors = Value(counters.ReceiveErrors),
        TxBytes = Value(counters.SentBytes),
        TxErrors = Value(counters.SendErrors),
    };

    private static PsiStats? Pressure(CgroupPressure? pressure) => pressure is null
        ? null
        : new PsiStats { Some = Line(pressure.Some), Full = pressure.Full is { } full ? Line(full) : null };

    // The CRI counts nanoseconds, the kernel microseconds.
    private static PsiData Line(PressureLine line) => new()
    {
        Total = line.TotalMicroseconds * 1000,
        Avg10 = line.Average10,
        Avg60 = line.Average60,
        Avg300 = line.Average300,
    };

    private static void Copy(IReadOnlyDictionary<string, string> from, Google.Protobuf.Collections.MapField<string, string> to)
    {
        foreach (var (key, value) in from)
            to[key] = value;
    }

    private static UInt64Value Value(ulong value) => new() { Value = value };
}
