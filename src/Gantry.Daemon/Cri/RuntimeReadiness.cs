using Gantry.Cgroups;

namespace Gantry.Cri;

/// <summary>Whether containers can be run on this node, and if not, why and what to do.</summary>
/// <param name="Reason">One word, as conditions have it; empty where it is ready.</param>
/// <param name="Message">A sentence for people.</param>
internal sealed record RuntimeReadiness(string Reason, string Message)
{
    private static readonly RuntimeReadiness _ready = new("", "");

    public bool IsReady => Reason.Length == 0;

    /// <summary>Of the default handler: what pods without a RuntimeClass run by.</summary>
    public static RuntimeReadiness Of(Composition node)
    {
        var handler = node.Handlers.Get(node.Handlers.DefaultName).Handler;
        if (!File.Exists(handler.Path))
            return new RuntimeReadiness("RuntimeMissing", $"OCI runtime {handler.Name} is not installed at {handler.Path}: install it, or correct runtime.handlers in the configuration");
        if (node.Cgroups.Hierarchy.Mode is CgroupMode.Hybrid && Path.GetFileName(handler.Path) == "crun" && HasControllers("/sys/fs/cgroup/unified"))
        {
            return new RuntimeReadiness(
                "CgroupsHybrid",
                "crun refuses a hybrid cgroup hierarchy whose v2 side has controllers: boot with systemd.unified_cgroup_hierarchy=1, or make runc the default handler");
        }
        return _ready;
    }

    private static bool HasControllers(string root)
    {
        var file = $"{root}/cgroup.controllers";
        return File.Exists(file) && File.ReadAllText(file).Trim().Length > 0;
    }
}
