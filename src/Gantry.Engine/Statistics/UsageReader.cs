using System.Collections.Concurrent;
using Gantry.Cgroups;

namespace Gantry.Statistics;

/// <summary>
/// Reads the usage of cgroups, and keeps of each what rates need. No lock is held while a file is read.
/// </summary>
public sealed class UsageReader(CgroupReader cgroups, SampleClock clock)
{
    private readonly ConcurrentDictionary<string, Known> _known = new(StringComparer.Ordinal);

    public CgroupReader Cgroups { get; } = cgroups;

    public SampleClock Clock { get; } = clock;

    /// <summary>How many cgroups are remembered.</summary>
    public int Count => _known.Count;

    public CgroupPlace Place(string cgroup) => Find(cgroup).Place;

    /// <summary>What the cgroup uses; null where it is gone.</summary>
    public ResourceUsage? TryRead(string cgroup)
    {
        var known = Find(cgroup);
        var time = Cgroups.CpuTime(known.Place);
        if (time is null && known.Place.CpuAccount is not null)
            return null;
        CpuSample? cpu = time is { } used ? known.Cpu.Take(used, Clock) : null;
        var memory = Cgroups.Memory(known.Place);
        if (memory is null && known.Place.Memory is not null)
            return null;
        var memoryAt = Clock.Next();
        return new ResourceUsage(cpu, memory, memoryAt, Pressure(known.Place));
    }

    /// <summary>Forgets the cgroups that are of no interest any more.</summary>
    public void Keep(Func<string, bool> isOfInterest)
    {
        foreach (var cgroup in _known.Keys)
        {
            if (!isOfInterest(cgroup))
                _known.TryRemove(cgroup, out _);
        }
    }

    private Known Find(string cgroup) => _known.GetOrAdd(cgroup, static (path, reader) => new Known(reader.Locate(path)), Cgroups);

    private PressureUsage? Pressure(CgroupPlace place)
    {
        var cpu = Cgroups.Pressure(place, "cpu");
        var memory = Cgroups.Pressure(place, "memory");
        var io = Cgroups.Pressure(place, "io");
        return cpu is null && memory is null && io is null ? null : new PressureUsage(cpu, memory, io, Clock.Next());
    }

    private sealed record Known(CgroupPlace Place)
    {
        public CpuHistory Cpu { get; } = new();
    }
}
