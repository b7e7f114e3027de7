using System.Text.Json;
using Gantry.Containers;
using Gantry.Containers.SpecBuilding;
using Gantry.Containers.Volumes;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Images.Manifests;
using Gantry.Monitoring;
using Gantry.Oci.Spec;
using Gantry.Persistence;

namespace Gantry.Pods;

/// <summary>
/// The init process of a pod that shares its PID namespace: catatonit, which does nothing but reap, in an empty read-only
/// root. Other pods have no process of their own. It runs as a container whose id is the pod's.
/// </summary>
public sealed class PodInit(NodePaths paths, RuntimeHandlers runtimes, IMonitors monitors, SpecBuilder specs, string programPath)
{
    /// <summary>Whether a pod of that specification needs an init process.</summary>
    public static bool IsNeeded(PodSpec spec) => spec.Security.Namespaces.Pid is NamespaceMode.Pod;

    /// <summary>The init process's cgroup.</summary>
    public static string CgroupPath(string podCgroup, PodId id) => Gantry.Cgroups.CgroupPath.ForContainer(podCgroup, ContainerId.Parse(id.Value));

    /// <summary>Starts the process and returns its pid; the caller's undo is <see cref="PodLeftovers.ReleaseAsync"/>.</summary>
    /// <exception cref="WrongStateException">The program is not installed.</exception>
    /// <exception cref="ToolFailedException">The OCI runtime refused.</exception>
    public async Task<int> StartAsync(PodRecord pod, ContainerPlace place, CancellationToken cancel)
    {
        if (!File.Exists(programPath))
        {
            throw new WrongStateException(
                $"pod {pod.Id.Short} shares its PID namespace, for which its init program {programPath} is needed: install the package catatonit");
        }
        var id = ContainerId.Parse(pod.Id.Value);
        Directory.CreateDirectory(place.Rootfs);
        if (place.User is { } user)
        {
            NamespaceRootAccess.LetPass(paths, paths.ContainerState(id), user);
            NamespaceRootAccess.Give(place.Rootfs, user);
        }
        var spec = new ContainerSpec
        {
            Name = "init",
            Image = new ImageSource("none"),
            Command = ["/catatonit", "-P"],
            Security = new ContainerSecurity
            {
                Namespaces = pod.Spec.Security.Namespaces with { Pid = NamespaceMode.Container },
                ReadOnlyRootfs = true,
                NoNewPrivileges = true,
                DropCapabilities = ["ALL"],
                Seccomp = pod.Spec.Security.Seccomp,
            },
        };
        var oci = specs.Build(spec, place, new ImageConfig(), new ResolvedUser(0, 0, []), [new OciMount("/catatonit", "bind", programPath, ["bind", "rprivate", "ro"])]);
        AtomicFile.Write(Path.Combine(paths.ContainerBundle(id), "config.json"), JsonSerializer.SerializeToUtf8Bytes(oci, OciJson.Default.OciSpec));
        var handler = runtimes.Get(pod.Spec.RuntimeHandler);
        var pid = await monitors.LaunchAsync(
            new MonitorLaunch
            {
                Id = id,
                Handler = handler.Handler,
                Bundle = paths.ContainerBundle(id),
                LogPath = "",
                ExitPath = paths.ContainerExit(id),
            },
            cancel);
        await handler.StartAsync(id, cancel);
        return pid;
    }
}
