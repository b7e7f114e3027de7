using System.Globalization;
using Gantry.Cgroups;
using Gantry.Containers;
using Gantry.Cri.Api;
using Gantry.Linux.Files;
using Gantry.Pods;
using Gantry.Statistics;

namespace Gantry.Cri.Metrics;

/// <summary>What all containers of one answer share.</summary>
/// <param name="Device">Of the file system that the writable layers are on.</param>
/// <param name="Space">How full that is.</param>
/// <param name="Devices">Names of block devices.</param>
/// <param name="Now">Seconds since the epoch.</param>
internal sealed record MetricSurroundings(string Device, DiskSpace Space, BlockDeviceNames Devices, ulong Now);

/// <summary>A running container's usage as samples.</summary>
internal static class ContainerMetricRows
{
    private const ulong DefaultPeriod = 100_000;
    private const ulong DefaultShares = 1024;

    public static ContainerMetrics Of(PodRecord pod, ContainerDetail detail, MetricSurroundings around)
    {
        var container = detail.Usage.Container;
        var rows = new MetricRows([container.Spec.Name, container.CgroupPath, Image(container), container.Id.Value, pod.Spec.Namespace, pod.Spec.Name]);
        AddCpu(rows, detail);
        AddMemory(rows, detail);
        AddFileSystem(rows, detail.Usage.Layer, around);
        AddBlockIo(rows, detail.BlockIo, around.Devices);
        AddPressure(rows, detail.Usage.Resources?.Pressure);
        AddProcesses(rows, detail);
        AddLimits(rows, container.Resources);
        rows.Add(MetricCatalog.LastSeen, around.Now);
        rows.AddSeconds(MetricCatalog.StartTime, (ulong)container.StartedAt);
        foreach (var pages in detail.HugePages)
        {
            rows.Add(MetricCatalog.HugePages, pages.Usage, pages.PageSize);
            rows.Add(MetricCatalog.HugePagesMax, pages.Peak, pages.PageSize);
        }
        var metrics = new ContainerMetrics { ContainerId = container.Id.Value };
        metrics.Metrics.Add(rows.Samples);
        return metrics;
    }

    /// <summary>What the user wrote: dashboards show it, and leave out whatever has no image.</summary>
    private static string Image(ContainerRecord container) =>
        container.Spec.Image.UserSpecified.Length > 0 ? container.Spec.Image.UserSpecified : container.ImageName;

    private static void AddCpu(MetricRows rows, ContainerDetail detail)
    {
        if (detail.Usage.Resources?.Cpu is { } used)
            rows.AddSeconds(MetricCatalog.CpuUsage, used.UsageNanoseconds, "total");
        if (detail.Cpu is not { } cpu)
            return;
        rows.AddSeconds(MetricCatalog.CpuUser, cpu.UserNanoseconds);
        rows.AddSeconds(MetricCatalog.CpuSystem, cpu.SystemNanoseconds);
        rows.Add(MetricCatalog.CfsPeriods, cpu.Periods);
        rows.Add(MetricCatalog.CfsThrottledPeriods, cpu.ThrottledPeriods);
        rows.AddSeconds(MetricCatalog.CfsThrottledSeconds, cpu.ThrottledNanoseconds);
    }

    private static void AddMemory(MetricRows rows, ContainerDetail detail)
    {
        if (detail.Usage.Resources?.Memory is not { } memory || detail.Memory is not { } more)
            return;
        rows.Add(MetricCatalog.MemoryUsage, memory.Usage);
        rows.Add(MetricCatalog.MemoryMaxUsage, Math.Max(more.Peak, memory.Usage));
        rows.Add(MetricCatalog.MemoryWorkingSet, memory.WorkingSet);
        rows.Add(MetricCatalog.MemoryRss, memory.Rss);
        rows.Add(MetricCatalog.MemoryCache, memory.Cache);
        rows.Add(MetricCatalog.MemoryMappedFile, memory.MappedFile);
        rows.Add(MetricCatalog.MemoryActiveFile, memory.ActiveFile);
        rows.Add(MetricCatalog.MemoryInactiveFile, memory.InactiveFile);
        rows.Add(MetricCatalog.MemoryKernel, more.Kernel);
        rows.Add(MetricCatalog.MemorySwap, memory.Swap ?? 0);
        rows.Add(MetricCatalog.MemoryFailcnt, more.LimitHits);
        rows.Add(MetricCatalog.MemoryFailures, more.OwnPageFaults, "pgfault", "container");
        rows.Add(MetricCatalog.MemoryFailures, more.OwnMajorPageFaults, "pgmajfault", "container");
        rows.Add(MetricCatalog.MemoryFailures, memory.PageFaults, "pgfault", "hierarchy");
        rows.Add(MetricCatalog.MemoryFailures, memory.MajorPageFaults, "pgmajfault", "hierarchy");
        rows.Add(MetricCatalog.OomEvents, more.OomKills);
    }

    private static void AddFileSystem(MetricRows rows, LayerUsage? layer, MetricSurroundings around)
    {
        if (layer is not null)
            rows.Add(MetricCatalog.FsUsage, (ulong)layer.Bytes, around.Device);
        rows.Add(MetricCatalog.FsLimit, (ulong)around.Space.TotalBytes, around.Device);
        rows.Add(MetricCatalog.FsInodesFree, (ulong)around.Space.FreeInodes, around.Device);
        rows.Add(MetricCatalog.FsInodesTotal, (ulong)around.Space.TotalInodes, around.Device);
    }

    private static void AddBlockIo(MetricRows rows, IReadOnlyList<DeviceIo> devices, BlockDeviceNames names)
    {
        foreach (var io in devices)
        {
            var device = names.Of(io.Major, io.Minor);
            var major = io.Major.ToString(CultureInfo.InvariantCulture);
            var minor = io.Minor.ToString(CultureInfo.InvariantCulture);
            rows.Add(MetricCatalog.FsReadsBytes, io.Read, device);
            rows.Add(MetricCatalog.FsReads, io.Reads, device);
            rows.Add(MetricCatalog.FsWritesBytes, io.Written, device);
            rows.Add(MetricCatalog.FsWrites, io.Writes, device);
            rows.Add(MetricCatalog.BlockIo, io.Read, device, major, minor, "Read");
            rows.Add(MetricCatalog.BlockIo, io.Written, device, major, minor, "Write");
        }
    }

    private static void AddPressure(MetricRows rows, PressureUsage? pressure)
    {
        Add(pressure?.Cpu, MetricCatalog.CpuStalled, MetricCatalog.CpuWaiting);
        Add(pressure?.Memory, MetricCatalog.MemoryStalled, MetricCatalog.MemoryWaiting);
        Add(pressure?.Io, MetricCatalog.IoStalled, MetricCatalog.IoWaiting);

        void Add(CgroupPressure? one, MetricFamily stalled, MetricFamily waiting)
        {
            if (one is null)
                return;
            rows.Add(waiting, one.Some.TotalMicroseconds / 1_000_000);
            if (one.Full is { } full)
                rows.Add(stalled, full.TotalMicroseconds / 1_000_000);
        }
    }

    private static void AddProcesses(MetricRows rows, ContainerDetail detail)
    {
        rows.Add(MetricCatalog.Processes, detail.Processes);
        rows.Add(MetricCatalog.FileDescriptors, (ulong)detail.Files.Descriptors);
        rows.Add(MetricCatalog.Sockets, (ulong)detail.Files.Sockets);
        rows.Add(MetricCatalog.UlimitsSoft, detail.OpenFilesLimit ?? ulong.MaxValue, "max_open_files");
        if (detail.Threads is not { } threads)
            return;
        rows.Add(MetricCatalog.Threads, threads.Current);
        rows.Add(MetricCatalog.ThreadsMax, threads.Limit ?? 0);
    }

    private static void AddLimits(MetricRows rows, LinuxResources resources)
    {
        rows.Add(MetricCatalog.SpecCpuPeriod, resources.CpuPeriod > 0 ? (ulong)resources.CpuPeriod : DefaultPeriod);
        rows.Add(MetricCatalog.SpecCpuShares, resources.CpuShares > 0 ? (ulong)resources.CpuShares : DefaultShares);
        if (resources.CpuQuota > 0)
            rows.Add(MetricCatalog.SpecCpuQuota, (ulong)resources.CpuQuota);
        rows.Add(MetricCatalog.SpecMemoryLimit, (ulong)Math.Max(0, resources.MemoryLimit));
        // No swap asked for means no swap.
        rows.Add(MetricCatalog.SpecMemorySwapLimit, (ulong)Math.Max(0, resources.MemorySwapLimit == 0 ? resources.MemoryLimit : resources.MemorySwapLimit));
        rows.Add(MetricCatalog.SpecMemoryReservation, Reservation(resources.Unified));
    }

    private static ulong Reservation(IReadOnlyDictionary<string, string> unified) =>
        (unified.TryGetValue("memory.min", out var text) || unified.TryGetValue("memory.low", out text))
            && ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) ? bytes : 0;
}
