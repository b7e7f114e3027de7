using Gantry.Cgroups;
using Gantry.Containers;
using Gantry.Linux.Processes;
using Gantry.Networking;
using Gantry.Pods;

namespace Gantry.Statistics;

/// <summary>What a cgroup uses, each part with the time at which it was read (nanoseconds since the epoch).</summary>
/// <param name="Cpu">Null where this node has no CPU accounting.</param>
/// <param name="Memory">Null where this node has no memory controller.</param>
/// <param name="MemoryAt">Of memory and swap.</param>
/// <param name="Pressure">Null with cgroup v1, and where pressure is switched off.</param>
public sealed record ResourceUsage(CpuSample? Cpu, CgroupMemory? Memory, long MemoryAt, PressureUsage? Pressure);

/// <summary>The pressure on the three resources that the kernel keeps it for.</summary>
public sealed record PressureUsage(CgroupPressure? Cpu, CgroupPressure? Memory, CgroupPressure? Io, long At);

/// <summary>What a container uses.</summary>
/// <param name="Container">The container.</param>
/// <param name="Resources">Null once it has ended.</param>
/// <param name="Layer">Null while it has not been measured.</param>
public sealed record ContainerUsage(ContainerRecord Container, ResourceUsage? Resources, LayerUsage? Layer);

/// <summary>What a pod uses.</summary>
/// <param name="Pod">The pod.</param>
/// <param name="Resources">Of its cgroup; null once it has stopped.</param>
/// <param name="Network">Null on the host's network, and where its namespace could not be read.</param>
/// <param name="Processes">Of its containers and its init process; null once it has stopped.</param>
/// <param name="Containers">Those that run.</param>
public sealed record PodUsage(
    PodRecord Pod, ResourceUsage? Resources, NetworkUsage? Network, ProcessCount? Processes, IReadOnlyList<ContainerUsage> Containers);

/// <summary>A pod's interfaces, the default one first.</summary>
public sealed record NetworkUsage(IReadOnlyList<InterfaceCounters> Interfaces, long At);

public sealed record ProcessCount(ulong Processes, long At);

/// <summary>What of a running container only metrics ask for.</summary>
public sealed record ContainerDetail(ContainerUsage Usage)
{
    public CgroupCpu? Cpu { get; init; }

    public CgroupMemoryDetail? Memory { get; init; }

    public IReadOnlyList<DeviceIo> BlockIo { get; init; } = [];

    public CgroupThreads? Threads { get; init; }

    public IReadOnlyList<CgroupHugePages> HugePages { get; init; } = [];

    public ulong Processes { get; init; }

    public OpenFiles Files { get; init; }

    /// <summary>How many descriptors its first process may have open; null where it could not be read, or has no limit.</summary>
    public ulong? OpenFilesLimit { get; init; }
}
