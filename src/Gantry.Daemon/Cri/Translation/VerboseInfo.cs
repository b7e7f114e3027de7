using System.Text;
using System.Text.Json.Nodes;
using Gantry.Cgroups;
using Gantry.Containers;
using Gantry.Pods;

namespace Gantry.Cri.Translation;

/// <summary>
/// The JSON of verbose statuses, in the shape that Falco, cAdvisor and crictl's users read: the CRI's field names, and values
/// of environment variables as plain text, though they are bytes on the wire.
/// </summary>
internal static class VerboseInfo
{
    /// <param name="container">The container.</param>
    /// <param name="runtimeSpec">Its bundle's config.json; null where that is gone.</param>
    /// <param name="rootfs">Where its root is mounted.</param>
    /// <param name="upper">Its writable layer.</param>
    public static string Of(ContainerRecord container, JsonNode? runtimeSpec, string rootfs, string upper) => new JsonObject
    {
        ["sandboxID"] = container.Pod.Value,
        ["pid"] = container.Pid,
        ["runtimeType"] = container.Handler,
        ["snapshotter"] = "overlay",
        ["snapshotKey"] = container.Id.Value,
        ["rootfs"] = rootfs,
        ["upperdir"] = upper,
        ["cgroupsPath"] = container.CgroupPath,
        ["privileged"] = container.Spec.Security.Privileged,
        ["config"] = Config(container.Spec),
        ["runtimeSpec"] = runtimeSpec,
    }.ToJsonString();

    /// <param name="pod">The pod.</param>
    /// <param name="networkNamespace">The file of its network namespace; empty for the node's.</param>
    public static string Of(PodRecord pod, string networkNamespace) => new JsonObject
    {
        ["pid"] = pod.InitPid,
        ["cgroupParent"] = pod.CgroupPath,
        ["netNamespacePath"] = networkNamespace,
        ["namespaces"] = Texts(pod.Pinned),
        ["runtimeHandler"] = pod.Spec.RuntimeHandler,
        ["networkDetached"] = pod.NetworkDetached,
        ["overhead"] = new JsonObject { ["linux"] = Resources(pod.Spec.Overhead) },
        ["resources"] = new JsonObject { ["linux"] = Resources(pod.Spec.Resources) },
        ["config"] = Config(pod.Spec),
    }.ToJsonString();

    private static JsonObject Config(ContainerSpec spec) => new()
    {
        ["metadata"] = new JsonObject { ["name"] = spec.Name, ["attempt"] = spec.Attempt },
        ["image"] = Image(spec.Image),
        ["command"] = Texts(spec.Command),
        ["args"] = Texts(spec.Arguments),
        ["working_dir"] = spec.WorkingDirectory,
        ["envs"] = new JsonArray([.. spec.Environment.Select(variable => new JsonObject { ["key"] = variable.Name, ["value"] = Encoding.UTF8.GetString(variable.Value) })]),
        ["mounts"] = new JsonArray([.. spec.Mounts.Select(Mount)]),
        ["devices"] = new JsonArray([.. spec.Devices.Select(device => new JsonObject
        {
            ["container_path"] = device.ContainerPath,
            ["host_path"] = device.HostPath,
            ["permissions"] = device.Permissions,
        })]),
        ["CDI_devices"] = new JsonArray([.. spec.CdiDevices.Select(name => new JsonObject { ["name"] = name })]),
        ["labels"] = Map(spec.Labels),
        ["annotations"] = Map(spec.Annotations),
        ["log_path"] = spec.LogPath,
        ["stdin"] = spec.Stdin,
        ["stdin_once"] = spec.StdinOnce,
        ["tty"] = spec.Terminal,
        ["linux"] = new JsonObject { ["resources"] = Resources(spec.Resources), ["security_context"] = Security(spec.Security) },
    };

    private static JsonObject Config(PodSpec spec) => new()
    {
        ["metadata"] = new JsonObject { ["name"] = spec.Name, ["namespace"] = spec.Namespace, ["uid"] = spec.Uid, ["attempt"] = spec.Attempt },
        ["hostname"] = spec.Hostname,
        ["log_directory"] = spec.LogDirectory,
        ["labels"] = Map(spec.Labels),
        ["annotations"] = Map(spec.Annotations),
        ["linux"] = new JsonObject
        {
            ["cgroup_parent"] = spec.CgroupParent,
            ["sysctls"] = Map(spec.Sysctls),
            ["overhead"] = Resources(spec.Overhead),
            ["resources"] = Resources(spec.Resources),
            ["security_context"] = new JsonObject { ["privileged"] = spec.Security.Privileged, ["namespace_options"] = Namespaces(spec.Security.Namespaces) },
        },
    };

    private static JsonObject Image(ImageSource image) => new() { ["image"] = image.Reference, ["user_specified_image"] = image.UserSpecified, ["annotations"] = Map(image.Annotations) };

    private static JsonObject Mount(MountSpec mount)
    {
        var node = new JsonObject
        {
            ["container_path"] = mount.ContainerPath,
            ["host_path"] = mount.HostPath,
            ["readonly"] = mount.ReadOnly,
            ["propagation"] = (int)mount.Propagation,
            ["selinux_relabel"] = mount.SelinuxRelabel,
            ["recursive_read_only"] = mount.RecursiveReadOnly,
        };
        if (mount.Image is { } image)
            node["image"] = Image(image);
        return node;
    }

    private static JsonObject Resources(LinuxResources resources) => new()
    {
        ["cpu_period"] = resources.CpuPeriod,
        ["cpu_quota"] = resources.CpuQuota,
        ["cpu_shares"] = resources.CpuShares,
        ["memory_limit_in_bytes"] = resources.MemoryLimit,
        ["memory_swap_limit_in_bytes"] = resources.MemorySwapLimit,
        ["oom_score_adj"] = resources.OomScoreAdjustment ?? 0,
        ["cpuset_cpus"] = resources.CpusetCpus,
        ["cpuset_mems"] = resources.CpusetMems,
        ["hugepage_limits"] = new JsonArray([.. resources.HugepageLimits.Select(limit => new JsonObject { ["page_size"] = limit.Key, ["limit"] = limit.Value })]),
        ["unified"] = Map(resources.Unified),
    };

    private static JsonObject Security(ContainerSecurity security)
    {
        var node = new JsonObject
        {
            ["privileged"] = security.Privileged,
            ["namespace_options"] = Namespaces(security.Namespaces),
            ["readonly_rootfs"] = security.ReadOnlyRootfs,
            ["no_new_privs"] = security.NoNewPrivileges,
            ["capabilities"] = new JsonObject { ["add_capabilities"] = Texts(security.AddCapabilities), ["drop_capabilities"] = Texts(security.DropCapabilities) },
        };
        if (security.RunAsUser is { } user)
            node["run_as_user"] = new JsonObject { ["value"] = user };
        if (security.RunAsGroup is { } group)
            node["run_as_group"] = new JsonObject { ["value"] = group };
        return node;
    }

    private static JsonObject Namespaces(NamespaceSharing sharing) => new()
    {
        ["network"] = (int)sharing.Network,
        ["pid"] = (int)sharing.Pid,
        ["ipc"] = (int)sharing.Ipc,
        ["target_id"] = sharing.TargetId,
    };

    private static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(text => (JsonNode)text)]);

    private static JsonObject Map(IReadOnlyDictionary<string, string> map)
    {
        var node = new JsonObject();
        foreach (var (key, value) in map)
            node[key] = value;
        return node;
    }
}
