using Gantry.Cgroups;
using Xunit;

namespace Gantry.UnitTests.Cgroups;

public sealed class CgroupReaderTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("gantry-cgroup-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void V2_EveryFile_IsRead()
    {
        Write("pod/one/cpu.stat", CgroupSamples.V2CpuStat);
        Write("pod/one/memory.current", "28000000\n");
        Write("pod/one/memory.stat", CgroupSamples.V2MemoryStat);
        Write("pod/one/memory.max", "67108864\n");
        Write("pod/one/memory.swap.current", "1048576\n");
        Write("pod/one/memory.swap.max", "33554432\n");
        Write("pod/one/memory.peak", "30000000\n");
        Write("pod/one/memory.events", CgroupSamples.V2MemoryEvents);
        Write("pod/one/memory.pressure", CgroupSamples.Pressure);
        Write("pod/one/io.stat", CgroupSamples.V2IoStat);
        Write("pod/one/pids.current", "5\n");
        Write("pod/one/pids.max", "max\n");
        var (reader, place) = Locate(CgroupMode.V2, [_root]);

        Assert.Equal(12_345_678_000UL, reader.CpuTime(place));
        Assert.Equal(new CgroupCpu(9_000_000_000, 3_345_678_000, 120, 30, 4_500_000_000), reader.Cpu(place));
        var memory = reader.Memory(place)!;
        Assert.Equal(28_000_000UL, memory.Usage);
        Assert.Equal(28_000_000UL - 3_145_728, memory.WorkingSet);
        Assert.Equal(67_108_864UL - memory.WorkingSet, memory.Available);
        Assert.Equal((22_294_528UL, 5_242_880UL, 1_048_576UL), (memory.Rss, memory.Cache, memory.MappedFile));
        Assert.Equal((5_428UL, 7UL), (memory.PageFaults, memory.MajorPageFaults));
        Assert.Equal((1_048_576UL, 33_554_432UL - 1_048_576), (memory.Swap, memory.SwapAvailable));
        Assert.Equal(new CgroupMemoryDetail(30_000_000, 1_548_288, 17, 1, 5_428, 7), reader.MemoryDetail(place));
        Assert.Equal(9_730_123UL, reader.Pressure(place, "memory")!.Some.TotalMicroseconds);
        Assert.Null(reader.Pressure(place, "cpu"));
        Assert.Equal([new DeviceIo(254, 0) { Read = 1_646_592, Written = 4_096, Reads = 34, Writes = 1 }, new DeviceIo(8, 16) { Read = 512, Reads = 1 }], reader.BlockIo(place));
        Assert.Equal(new CgroupThreads(5, null), reader.Threads(place));
    }

    [Fact]
    public void V1_EveryFile_IsRead()
    {
        Write("cpu,cpuacct/pod/one/cpuacct.usage", "12345678901\n");
        Write("cpu,cpuacct/pod/one/cpuacct.usage_user", "9000000000\n");
        Write("cpu,cpuacct/pod/one/cpuacct.usage_sys", "3345678901\n");
        Write("cpu,cpuacct/pod/one/cpu.stat", "nr_periods 120\nnr_throttled 30\nthrottled_time 4500000000\nnr_bursts 0\nburst_time 0\n");
        Write("memory/pod/one/memory.usage_in_bytes", "28000000\n");
        Write("memory/pod/one/memory.stat", CgroupSamples.V1MemoryStat);
        Write("memory/pod/one/memory.limit_in_bytes", "67108864\n");
        Write("memory/pod/one/memory.memsw.limit_in_bytes", "100663296\n");
        Write("memory/pod/one/memory.max_usage_in_bytes", "30000000\n");
        Write("memory/pod/one/memory.kmem.usage_in_bytes", "258048\n");
        Write("memory/pod/one/memory.failcnt", "17\n");
        Write("memory/pod/one/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
        Write("blkio/pod/one/blkio.throttle.io_service_bytes_recursive", CgroupSamples.V1IoServiceBytes);
        Write("blkio/pod/one/blkio.throttle.io_serviced_recursive", CgroupSamples.V1IoServiced);
        Write("pids/pod/one/pids.current", "5\n");
        Write("pids/pod/one/pids.max", "100\n");
        var (reader, place) = Locate(CgroupMode.V1, ["cpu,cpuacct", "memory", "blkio", "pids"]);

        Assert.Equal(12_345_678_901UL, reader.CpuTime(place));
        Assert.Equal(new CgroupCpu(9_000_000_000, 3_345_678_901, 120, 30, 4_500_000_000), reader.Cpu(place));
        var memory = reader.Memory(place)!;
        Assert.Equal(28_000_000UL - 3_145_728, memory.WorkingSet);
        Assert.Equal(67_108_864UL - memory.WorkingSet, memory.Available);
        Assert.Equal((22_294_528UL, 5_242_880UL, 1_048_576UL), (memory.Rss, memory.Cache, memory.MappedFile));
        Assert.Equal((5_428UL, 7UL), (memory.PageFaults, memory.MajorPageFaults));
        Assert.Equal((1_048_576UL, 33_554_432UL - 1_048_576), (memory.Swap, memory.SwapAvailable));
        Assert.Equal(new CgroupMemoryDetail(30_000_000, 258_048, 17, 1, 428, 1), reader.MemoryDetail(place));
        Assert.Null(reader.Pressure(place, "cpu"));
        Assert.Equal([new DeviceIo(254, 0) { Read = 1_646_592, Written = 4_096, Reads = 34, Writes = 1 }], reader.BlockIo(place));
        Assert.Equal(new CgroupThreads(5, 100), reader.Threads(place));
    }

    [Theory]
    [InlineData(CgroupMode.V1)]
    [InlineData(CgroupMode.V2)]
    public void AnyMode_CgroupIsGone_EverythingIsNull(CgroupMode mode)
    {
        var (reader, place) = Locate(mode, mode is CgroupMode.V2 ? [_root] : ["cpu", "cpuacct", "memory", "blkio", "pids", "hugetlb"]);

        Assert.Null(reader.CpuTime(place));
        Assert.Null(reader.Cpu(place));
        Assert.Null(reader.Memory(place));
        Assert.Null(reader.MemoryDetail(place));
        Assert.Null(reader.Pressure(place, "io"));
        Assert.Empty(reader.BlockIo(place));
        Assert.Null(reader.Threads(place));
        Assert.Empty(reader.HugePages(place));
    }

    [Fact]
    public void V1_NoLimitAndNoSwapAccounting_AreNotTold()
    {
        Write("memory/pod/one/memory.usage_in_bytes", "28000000\n");
        Write("memory/pod/one/memory.stat", string.Join('\n', CgroupSamples.V1MemoryStat.Split('\n').Where(line => !line.Contains("swap", StringComparison.Ordinal))));
        Write("memory/pod/one/memory.limit_in_bytes", "9223372036854771712\n");
        var (reader, place) = Locate(CgroupMode.V1, ["memory"]);

        var memory = reader.Memory(place)!;

        Assert.Null(memory.Limit);
        Assert.Null(memory.Available);
        Assert.Null(memory.Swap);
        Assert.Null(memory.SwapAvailable);
    }

    [Fact]
    public void V1_WithoutPidsController_ThreadsAreCounted()
    {
        Write("memory/pod/one/tasks", "12\n13\n14\n");
        var (reader, place) = Locate(CgroupMode.V1, ["memory"]);

        Assert.Equal(new CgroupThreads(3, null), reader.Threads(place));
    }

    [Fact]
    public void V2_OldKernel_KernelMemoryIsTheSumOfItsParts()
    {
        var stat = MemoryStat.ParseV2("anon 1\nkernel_stack 10\npagetables 20\npercpu 30\nslab 40\n"u8);

        Assert.Equal(100UL, stat.Kernel);
    }

    [Fact]
    public void V2_OfThisMachine_TellsCpuTimeAndPressure()
    {
        var mount = File.ReadLines("/proc/self/mountinfo").FirstOrDefault(line => line.Contains(" - cgroup2 ", StringComparison.Ordinal))?.Split(' ')[4];
        if (mount is null)
            Assert.Skip("this machine has no cgroup v2 mounted");
        var reader = CgroupReader.For(new CgroupHierarchy(CgroupMode.V2, [mount]));
        var place = reader.Locate("");

        Assert.True(reader.CpuTime(place) > 0);
        Assert.True(reader.Cpu(place)!.UserNanoseconds > 0);
        Assert.Equal(File.Exists($"{mount}/cpu.pressure"), reader.Pressure(place, "cpu") is not null);
        Assert.True(CgroupProcesses.Count(place.Processes!) > 0);
    }

    [Fact]
    public void WorkingSet_MoreInactiveThanUsed_IsZero() =>
        Assert.Equal(0UL, new CgroupMemory { Usage = 10, InactiveFile = 20 }.WorkingSet);

    private void Write(string path, string text)
    {
        var file = Path.Combine(_root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }

    private (CgroupReader Reader, CgroupPlace Place) Locate(CgroupMode mode, string[] controllers)
    {
        var hierarchy = new CgroupHierarchy(mode, [.. controllers.Select(name => Path.Combine(_root, name))]);
        var reader = CgroupReader.For(hierarchy);
        return (reader, reader.Locate("/pod/one"));
    }
}
