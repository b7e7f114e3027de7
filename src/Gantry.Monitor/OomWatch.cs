using System.Text;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;

namespace Gantry.Monitor;

/// <summary>
/// Tells whether the kernel killed a process of the container's cgroup for memory. The counter's file is opened while the
/// container lives and read after its end: a removed cgroup's open file still answers.
/// </summary>
internal sealed class OomWatch(FileDescriptor? counter)
{
    /// <summary>Finds the counter of a process's memory cgroup, v1 or v2; a watch without one says no.</summary>
    public static OomWatch Open(int pid)
    {
        try
        {
            foreach (var line in File.ReadAllLines($"/proc/{pid}/cgroup"))
            {
                // number:controllers:path, as cgroups(7) describes it.
                var parts = line.Split(':', 3);
                if (parts.Length == 3 && Array.IndexOf(parts[1].Split(','), "memory") >= 0)
                    return new OomWatch(RegularFile.Open($"/sys/fs/cgroup/memory{parts[2]}/memory.oom_control", 0));
                if (parts is ["0", "", _] && File.Exists($"/sys/fs/cgroup{parts[2]}/memory.events"))
                    return new OomWatch(RegularFile.Open($"/sys/fs/cgroup{parts[2]}/memory.events", 0));
            }
        }
        catch (IOException)
        {
            // A container that has ended, or a node without the controller: its exit code still tells most of it.
        }
        return new OomWatch(null);
    }

    public bool HasKilled()
    {
        if (counter is null)
            return false;
        var buffer = new byte[1024];
        if (DescriptorIo.Read(counter, buffer, out var count) != IoOutcome.Done)
            return false;
        foreach (var line in Encoding.ASCII.GetString(buffer, 0, count).Split('\n'))
        {
            if (line.StartsWith("oom_kill ", StringComparison.Ordinal))
                return line.AsSpan(9).Trim() is not "0";
        }
        return false;
    }
}
