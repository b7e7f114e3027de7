namespace Gantry.Persistence;

/// <summary>Times as records and the CRI hold them.</summary>
public static class NodeClock
{
    /// <summary>Nanoseconds since the epoch.</summary>
    public static long Nanoseconds(this TimeProvider time) => (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;

    /// <summary>The kernel's id of this boot (proc(5), random/boot_id).</summary>
    public static string ReadBootId() => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
}
