using Gantry.Cgroups;
using Gantry.Containers;
using Gantry.Containers.Selinux;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Persistence;

namespace Gantry.Pods;

/// <summary>Says what a pod lends to its containers: namespaces by path, files, cgroup.</summary>
public sealed class PodPlaces(NodePaths paths, ContainerStore containers, SelinuxLabels selinux)
{
    /// <summary>The loan for a container of that specification.</summary>
    /// <exception cref="InvalidRequestException">The pod does not have the namespaces that the container asks for, or its SELinux label cannot be applied.</exception>
    /// <exception cref="WrongStateException">The container whose PID namespace is to be joined does not run.</exception>
    public PodLoan Of(PodRecord pod, ContainerSpec spec)
    {
        if (!spec.Security.Namespaces.HasSameUserNamespace(pod.Spec.Security.Namespaces))
            throw new InvalidRequestException($"container {spec.Name} asks for another user namespace than its pod {pod.Id.Short}: userns_options must be the pod's");
        var namespaces = Pinned(pod);
        if (PidNamespace(pod, spec) is { } pid)
            namespaces["pid"] = pid;
        var labels = selinux.ForContainer(spec, pod.Selinux, pod.Spec.Security.Selinux);
        return new PodLoan(pod.Id, pod.Spec.RuntimeHandler, pod.CgroupPath, pod.Spec.LogDirectory, id => Place(pod, namespaces) with
        {
            Container = id,
            Rootfs = paths.ContainerRootfs(id),
            CgroupPath = CgroupPath.ForContainer(pod.CgroupPath, id),
            HostsPath = paths.PodHosts(pod.Id),
            HostnamePath = paths.PodHostname(pod.Id),
            ResolvConfPath = paths.PodResolvConf(pod.Id),
            Labels = labels,
        });
    }

    /// <summary>The SELinux levels that containers have asked for themselves.</summary>
    public IEnumerable<string> LevelsOfContainers() => containers.All.Select(container => container.Spec.Security.Selinux?.Level ?? "");

    /// <summary>The place of the pod's init process: an empty root of its own, and none of the pod's files.</summary>
    public ContainerPlace OfInit(PodRecord pod)
    {
        var id = ContainerId.Parse(pod.Id.Value);
        var security = pod.Spec.Security;
        return Place(pod, Pinned(pod)) with
        {
            Container = id,
            Rootfs = paths.ContainerRootfs(id),
            CgroupPath = PodInit.CgroupPath(pod.CgroupPath, pod.Id),
            Labels = SelinuxLabels.ForInit(pod.Selinux, security.Privileged, security.Namespaces, security.Selinux),
        };
    }

    private ContainerPlace Place(PodRecord pod, Dictionary<string, string> namespaces) => new()
    {
        Pod = pod.Id,
        Container = default,
        PodName = pod.Spec.Name,
        PodNamespace = pod.Spec.Namespace,
        PodUid = pod.Spec.Uid,
        PodAnnotations = pod.Spec.Annotations,
        Rootfs = "",
        NamespacePaths = namespaces,
        User = pod.Spec.Security.Namespaces.UserNamespace,
        Hostname = pod.Spec.UsesHostNetwork ? Environment.MachineName : pod.Spec.Hostname,
        SharedMemoryPath = pod.Spec.Security.Namespaces.Ipc is NamespaceMode.Node ? "/dev/shm" : paths.PodSharedMemory(pod.Id),
        CgroupPath = "",
        PodPrivileged = pod.Spec.Security.Privileged,
        UsesHostNetwork = pod.Spec.UsesHostNetwork,
    };

    private Dictionary<string, string> Pinned(PodRecord pod) => pod.Pinned.ToDictionary(kind => kind, kind => paths.PodNamespace(pod.Id, kind));

    private string? PidNamespace(PodRecord pod, ContainerSpec spec)
    {
        switch (spec.Security.Namespaces.Pid)
        {
            case NamespaceMode.Pod when pod.InitPid != 0:
                return $"/proc/{pod.InitPid}/ns/pid";
            case NamespaceMode.Pod:
                throw new InvalidRequestException($"container {spec.Name} asks for the pod's PID namespace, and pod {pod.Id.Short} has none: ask for it in the pod too");
            case NamespaceMode.Target:
                var target = containers.Get(spec.Security.Namespaces.TargetId);
                return target is { State: ContainerState.Running, Pid: > 0 } && target.Pod == pod.Id
                    ? $"/proc/{target.Pid}/ns/pid"
                    : throw new WrongStateException($"container {spec.Name} asks for the PID namespace of {target.Id.Short}, which is not a running container of its pod");
            default:
                return null;
        }
    }
}
