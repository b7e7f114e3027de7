namespace Gantry.Cgroups;

public enum CgroupMode
{
    V1,
    Hybrid,
    V2,
}

/// <summary>Where this node's cgroup controllers are mounted (cgroups(7)).</summary>
/// <param name="Mode">Which of the versions.</param>
/// <param name="Roots">The mount points: one for v2, one a controller for v1.</param>
public sealed record CgroupHierarchy(CgroupMode Mode, IReadOnlyList<string> Roots)
{
    /// <summary>Reads this process's mounts.</summary>
    public static CgroupHierarchy Detect() => Parse(File.ReadAllLines("/proc/self/mountinfo"));

    /// <summary>The directory of <paramref name="path"/> below the controller of that name; null where there is none.</summary>
    public string? Folder(string controller, string path)
    {
        if (Mode is CgroupMode.V2)
            return Roots[0] + path;
        var root = Roots.FirstOrDefault(root => Path.GetFileName(root).Split(',').Contains(controller));
        return root is null ? null : root + path;
    }

    internal static CgroupHierarchy Parse(IEnumerable<string> mountInfo)
    {
        var v1 = new List<string>();
        var v2 = new List<string>();
        foreach (var line in mountInfo)
        {
            // …mount point is the fifth field; the type stands behind " - " (proc(5)).
            var fields = line.Split(' ');
            var type = Array.IndexOf(fields, "-") + 1;
            if (type <= 5 || type >= fields.Length || !fields[4].StartsWith("/sys/fs/cgroup", StringComparison.Ordinal))
                continue;
            if (fields[type] == "cgroup")
                v1.Add(fields[4]);
            else if (fields[type] == "cgroup2")
                v2.Add(fields[4]);
        }
        if (v1.Count == 0)
            return new CgroupHierarchy(CgroupMode.V2, v2.Count > 0 ? [v2[0]] : ["/sys/fs/cgroup"]);
        return new CgroupHierarchy(v2.Count > 0 ? CgroupMode.Hybrid : CgroupMode.V1, v1);
    }
}
