using Gantry.Identity;

namespace Gantry.Cgroups;

/// <summary>
/// Names of cgroups below each controller's root. A container's last element is its bare id, which cAdvisor and Falco know.
/// </summary>
public static class CgroupPath
{
    /// <summary>The cgroup in which a pod's containers get theirs: the kubelet's, or one of Gantry's own.</summary>
    public static string ForPod(string cgroupParent, PodId id) => cgroupParent.Length > 0 ? "/" + cgroupParent.Trim('/') : $"/gantry/pod{id.Value}";

    public static string ForContainer(string podCgroup, ContainerId id) => $"{podCgroup.TrimEnd('/')}/{id.Value}";
}
