using Gantry.Cri.Api;
using static Gantry.Cri.Api.MetricType;

namespace Gantry.Cri.Metrics;

/// <summary>Every metric of pods and containers.</summary>
internal static class MetricCatalog
{
    public static readonly MetricFamily CpuUsage = new("container_cpu_usage_seconds_total", Counter, "Cumulative CPU time consumed, in seconds.", "cpu");
    public static readonly MetricFamily CpuUser = new("container_cpu_user_seconds_total", Counter, "Cumulative CPU time consumed in programs, in seconds.");
    public static readonly MetricFamily CpuSystem = new("container_cpu_system_seconds_total", Counter, "Cumulative CPU time consumed in the kernel, in seconds.");
    public static readonly MetricFamily CfsPeriods = new("container_cpu_cfs_periods_total", Counter, "Number of elapsed periods of the CPU quota.");
    public static readonly MetricFamily CfsThrottledPeriods = new("container_cpu_cfs_throttled_periods_total", Counter, "Number of periods in which the CPU quota was used up.");
    public static readonly MetricFamily CfsThrottledSeconds = new("container_cpu_cfs_throttled_seconds_total", Counter, "For how long the CPU quota held the container back, in seconds.");

    public static readonly MetricFamily MemoryUsage = new("container_memory_usage_bytes", Gauge, "Memory in use, all kinds, in bytes.");
    public static readonly MetricFamily MemoryMaxUsage = new("container_memory_max_usage_bytes", Gauge, "The highest memory usage so far, in bytes.");
    public static readonly MetricFamily MemoryWorkingSet = new("container_memory_working_set_bytes", Gauge, "Memory in use without the inactive page cache, in bytes.");
    public static readonly MetricFamily MemoryRss = new("container_memory_rss", Gauge, "Anonymous memory, in bytes.");
    public static readonly MetricFamily MemoryCache = new("container_memory_cache", Gauge, "Page cache, in bytes.");
    public static readonly MetricFamily MemoryMappedFile = new("container_memory_mapped_file", Gauge, "Memory mapped files, in bytes.");
    public static readonly MetricFamily MemoryActiveFile = new("container_memory_total_active_file_bytes", Gauge, "Active page cache, in bytes.");
    public static readonly MetricFamily MemoryInactiveFile = new("container_memory_total_inactive_file_bytes", Gauge, "Inactive page cache, in bytes.");
    public static readonly MetricFamily MemoryKernel = new("container_memory_kernel_usage", Gauge, "Memory of the kernel for the container, in bytes.");
    public static readonly MetricFamily MemorySwap = new("container_memory_swap", Gauge, "Swap in use, in bytes.");
    public static readonly MetricFamily MemoryFailcnt = new("container_memory_failcnt", Counter, "How often the memory limit was run into.");
    public static readonly MetricFamily MemoryFailures = new("container_memory_failures_total", Counter, "Cumulative count of page faults.", "failure_type", "scope");
    public static readonly MetricFamily OomEvents = new("container_oom_events_total", Counter, "Number of processes that were killed for want of memory.");

    public static readonly MetricFamily FsUsage = new("container_fs_usage_bytes", Gauge, "What the container's writable layer takes, in bytes.", "device");
    public static readonly MetricFamily FsLimit = new("container_fs_limit_bytes", Gauge, "Size of the file system that the writable layer is on, in bytes.", "device");
    public static readonly MetricFamily FsInodesFree = new("container_fs_inodes_free", Gauge, "Free inodes of the file system that the writable layer is on.", "device");
    public static readonly MetricFamily FsInodesTotal = new("container_fs_inodes_total", Gauge, "Inodes of the file system that the writable layer is on.", "device");
    public static readonly MetricFamily FsReadsBytes = new("container_fs_reads_bytes_total", Counter, "Cumulative count of bytes read.", "device");
    public static readonly MetricFamily FsReads = new("container_fs_reads_total", Counter, "Cumulative count of reads completed.", "device");
    public static readonly MetricFamily FsWritesBytes = new("container_fs_writes_bytes_total", Counter, "Cumulative count of bytes written.", "device");
    public static readonly MetricFamily FsWrites = new("container_fs_writes_total", Counter, "Cumulative count of writes completed.", "device");
    public static readonly MetricFamily BlockIo = new("container_blkio_device_usage_total", Counter, "Cumulative count of bytes by block device.", "device", "major", "minor", "operation");

    public static readonly MetricFamily HugePages = new("container_hugetlb_usage_bytes", Gauge, "Huge pages in use, in bytes.", "pagesize");
    public static readonly MetricFamily HugePagesMax = new("container_hugetlb_max_usage_bytes", Gauge, "The highest usage of huge pages so far, in bytes.", "pagesize");

    public static readonly MetricFamily ReceiveBytes = new("container_network_receive_bytes_total", Counter, "Cumulative count of bytes received.", "interface");
    public static readonly MetricFamily ReceivePackets = new("container_network_receive_packets_total", Counter, "Cumulative count of packets received.", "interface");
    public static readonly MetricFamily ReceiveDrops = new("container_network_receive_packets_dropped_total", Counter, "Cumulative count of packets dropped while receiving.", "interface");
    public static readonly MetricFamily ReceiveErrors = new("container_network_receive_errors_total", Counter, "Cumulative count of errors while receiving.", "interface");
    public static readonly MetricFamily TransmitBytes = new("container_network_transmit_bytes_total", Counter, "Cumulative count of bytes transmitted.", "interface");
    public static readonly MetricFamily TransmitPackets = new("container_network_transmit_packets_total", Counter, "Cumulative count of packets transmitted.", "interface");
    public static readonly MetricFamily TransmitDrops = new("container_network_transmit_packets_dropped_total", Counter, "Cumulative count of packets dropped while transmitting.", "interface");
    public static readonly MetricFamily TransmitErrors = new("container_network_transmit_errors_total", Counter, "Cumulative count of errors while transmitting.", "interface");

    public static readonly MetricFamily CpuStalled = new("container_pressure_cpu_stalled_seconds_total", Counter, "For how long no task could go on for want of CPU, in seconds.");
    public static readonly MetricFamily CpuWaiting = new("container_pressure_cpu_waiting_seconds_total", Counter, "For how long tasks have waited for CPU, in seconds.");
    public static readonly MetricFamily MemoryStalled = new("container_pressure_memory_stalled_seconds_total", Counter, "For how long no task could go on for want of memory, in seconds.");
    public static readonly MetricFamily MemoryWaiting = new("container_pressure_memory_waiting_seconds_total", Counter, "For how long tasks have waited for memory, in seconds.");
    public static readonly MetricFamily IoStalled = new("container_pressure_io_stalled_seconds_total", Counter, "For how long no task could go on because of I/O, in seconds.");
    public static readonly MetricFamily IoWaiting = new("container_pressure_io_waiting_seconds_total", Counter, "For how long tasks have waited for I/O, in seconds.");

    public static readonly MetricFamily Processes = new("container_processes", Gauge, "Number of processes.");
    public static readonly MetricFamily Threads = new("container_threads", Gauge, "Number of threads.");
    public static readonly MetricFamily ThreadsMax = new("container_threads_max", Gauge, "How many threads there may be; 0 means any number.");
    public static readonly MetricFamily FileDescriptors = new("container_file_descriptors", Gauge, "Number of open file descriptors.");
    public static readonly MetricFamily Sockets = new("container_sockets", Gauge, "Number of open sockets.");
    public static readonly MetricFamily UlimitsSoft = new("container_ulimits_soft", Gauge, "Soft limits of the container's first process; 2^64-1 means none.", "ulimit");

    public static readonly MetricFamily LastSeen = new("container_last_seen", Gauge, "When the container was last seen, in seconds since the epoch.");
    public static readonly MetricFamily StartTime = new("container_start_time_seconds", Gauge, "When the container was started, in seconds since the epoch.");
    public static readonly MetricFamily SpecCpuPeriod = new("container_spec_cpu_period", Gauge, "Period of the CPU quota, in microseconds.");
    public static readonly MetricFamily SpecCpuQuota = new("container_spec_cpu_quota", Gauge, "CPU quota, in microseconds a period; missing without one.");
    public static readonly MetricFamily SpecCpuShares = new("container_spec_cpu_shares", Gauge, "CPU shares, on the scale of cgroup v1.");
    public static readonly MetricFamily SpecMemoryLimit = new("container_spec_memory_limit_bytes", Gauge, "Memory limit in bytes; 0 means none.");
    public static readonly MetricFamily SpecMemoryReservation = new("container_spec_memory_reservation_limit_bytes", Gauge, "Memory that is kept for the container, in bytes.");
    public static readonly MetricFamily SpecMemorySwapLimit = new("container_spec_memory_swap_limit_bytes", Gauge, "Limit of memory and swap together, in bytes; 0 means none.");

    public static IReadOnlyList<MetricFamily> All { get; } =
    [
        CpuUsage, CpuUser, CpuSystem, CfsPeriods, CfsThrottledPeriods, CfsThrottledSeconds,
        MemoryUsage, MemoryMaxUsage, MemoryWorkingSet, MemoryRss, MemoryCache, MemoryMappedFile, MemoryActiveFile, MemoryInactiveFile, MemoryKernel,
        MemorySwap, MemoryFailcnt, MemoryFailures, OomEvents,
        FsUsage, FsLimit, FsInodesFree, FsInodesTotal, FsReadsBytes, FsReads, FsWritesBytes, FsWrites, BlockIo, HugePages, HugePagesMax,
        ReceiveBytes, ReceivePackets, ReceiveDrops, ReceiveErrors, TransmitBytes, TransmitPackets, TransmitDrops, TransmitErrors,
        CpuStalled, CpuWaiting, MemoryStalled, MemoryWaiting, IoStalled, IoWaiting,
        Processes, Threads, ThreadsMax, FileDescriptors, Sockets, UlimitsSoft,
        LastSeen, StartTime, SpecCpuPeriod, SpecCpuQuota, SpecCpuShares, SpecMemoryLimit, SpecMemoryReservation, SpecMemorySwapLimit,
    ];

    public static IEnumerable<MetricDescriptor> Describe() => All.Select(family => family.Describe());
}
