using System.Globalization;
using Gantry.Cgroups;
using Gantry.Faults;
using Gantry.Images.Manifests;
using Gantry.Linux.Namespaces;
using Gantry.Oci;
using Gantry.Oci.Spec;

namespace Gantry.Containers.SpecBuilding;

/// <summary>Turns what was asked for, what the pod lends and what the image says into an OCI specification.</summary>
public sealed class SpecBuilder(CgroupHierarchy cgroups)
{
    private readonly int _oomScoreFloor = int.Parse(File.ReadAllText("/proc/self/oom_score_adj").Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

    /// <param name="spec">What was asked for.</param>
    /// <param name="place">What the pod lends.</param>
    /// <param name="image">What the image says.</param>
    /// <param name="user">Whose the process is.</param>
    /// <param name="volumes">The request's mounts, ready to be bound.</param>
    /// <exception cref="InvalidRequestException">The request contradicts itself or the image.</exception>
    public OciSpec Build(ContainerSpec spec, ContainerPlace place, ImageConfig image, ResolvedUser user, IReadOnlyList<OciMount> volumes)
    {
        if (spec.Security.Privileged && !place.PodPrivileged)
            throw new InvalidRequestException($"container {spec.Name}: it is privileged in a pod that is not: make the pod privileged too");
        spec.Resources.CheckFits(cgroups.Mode, spec.Name);
        var capabilities = Capabilities.For(spec.Security);
        var (devices, rules) = Devices.For(spec);
        return new OciSpec
        {
            Process = new OciProcess
            {
                Terminal = spec.Terminal,
                User = new OciUser(user.Uid, user.Gid, user.AdditionalGroups),
                Args = ProcessParts.Arguments(spec, image),
                Env = ProcessParts.Environment(spec, image, user, place.Hostname),
                Cwd = ProcessParts.WorkingDirectory(spec, image),
                Capabilities = Sets(capabilities, user, spec.Security),
                NoNewPrivileges = spec.Security.NoNewPrivileges,
                OomScoreAdj = OomScore(spec),
                SelinuxLabel = place.Labels?.Process,
            },
            Root = new OciRoot(place.Rootfs, spec.Security.ReadOnlyRootfs),
            Mounts = ContainerMounts.For(spec, place, volumes, cgroups.Mode),
            Annotations = Annotations(spec, place),
            Linux = new OciLinux
            {
                Namespaces = Namespaces(spec, place),
                // Beside the namespace's file: runtimes read from them which user is root.
                UidMappings = place.User?.Uids.Select(Mapping).ToList(),
                GidMappings = place.User?.Gids.Select(Mapping).ToList(),
                Resources = OciResourcesFrom.Limits(spec.Resources) with { Devices = rules },
                CgroupsPath = place.CgroupPath,
                Devices = devices,
                Seccomp = Seccomp(spec, capabilities),
                RootfsPropagation = spec.Mounts.Any(mount => mount.Propagation is MountPropagation.Bidirectional) ? "rshared"
                    : spec.Mounts.Any(mount => mount.Propagation is MountPropagation.HostToContainer) ? "rslave" : null,
                MaskedPaths = spec.Security.Privileged ? null : spec.Security.MaskedPaths,
                ReadonlyPaths = spec.Security.Privileged ? null : spec.Security.ReadOnlyPaths,
                MountLabel = place.Labels?.File,
            },
        };
    }

    /// <summary>A process for exec: the container's own user, environment, directory and confinement.</summary>
    public static OciProcess BuildExec(ContainerRecord record, OciSpec spec, IReadOnlyList<string> command, bool terminal)
    {
        if (command.Any(word => word.Contains('\0')))
            throw new InvalidRequestException($"exec in container {record.Id.Short}: a word of the command holds a NUL");
        // A terminal has a kind: programs that draw on it ask, and a container made without one does not say.
        var environment = terminal && !spec.Process.Env.Any(entry => entry.StartsWith("TERM=", StringComparison.Ordinal))
            ? [.. spec.Process.Env, "TERM=xterm"]
            : spec.Process.Env;
        return spec.Process with { Args = command, Env = environment, Terminal = terminal };
    }

    private static OciCapabilities Sets(IReadOnlyList<string> capabilities, ResolvedUser user, ContainerSecurity security)
    {
        var ambient = security.AddAmbientCapabilities.Count == 0 ? null : Capabilities.For(new ContainerSecurity { DropCapabilities = ["ALL"], AddCapabilities = security.AddAmbientCapabilities });
        IReadOnlyList<string> bounding = [.. capabilities.Union(ambient ?? [])];
        // The kernel clears all but the ambient ones for another user at the exec; runtimes that ask for more would keep them.
        var held = user.Uid == 0 ? bounding : ambient ?? [];
        return new OciCapabilities { Bounding = bounding, Effective = held, Permitted = held, Inheritable = ambient, Ambient = ambient };
    }

    /// <summary>Root without CAP_SYS_RESOURCE can't lower the value below its own.</summary>
    private int? OomScore(ContainerSpec spec) =>
        spec.Resources.OomScoreAdjustment is { } asked ? (int)Math.Clamp(asked, Math.Max(-1000, _oomScoreFloor), 1000) : null;

    private List<OciNamespace> Namespaces(ContainerSpec spec, ContainerPlace place)
    {
        var namespaces = new List<OciNamespace> { new("mount", null) };
        void Join(string type, string kind, bool ownIfNone)
        {
            if (place.NamespacePaths.TryGetValue(kind, out var path))
                namespaces.Add(new OciNamespace(type, path));
            else if (ownIfNone)
                namespaces.Add(new OciNamespace(type, null));
        }
        Join("user", "user", ownIfNone: false);
        Join("network", "net", ownIfNone: false);
        Join("ipc", "ipc", ownIfNone: false);
        Join("uts", "uts", ownIfNone: false);
        Join("pid", "pid", ownIfNone: spec.Security.Namespaces.Pid is NamespaceMode.Container);
        if (cgroups.Mode is CgroupMode.V2 && !spec.Security.Privileged)
            namespaces.Add(new OciNamespace("cgroup", null));
        return namespaces;
    }

    private static OciIdMapping Mapping(IdMapping mapping) => new(mapping.ContainerId, mapping.HostId, mapping.Length);

    private static OciSeccomp? Seccomp(ContainerSpec spec, IReadOnlyList<string> capabilities)
    {
        if (spec.Security.Privileged || spec.Security.Seccomp is not { } profile || profile.Kind is ProfileKind.Unconfined)
            return null;
        if (profile.Kind is ProfileKind.RuntimeDefault)
            return DefaultSeccomp.For(capabilities);
        return SeccompFile.Read(spec.Name, profile.LocalhostReference, capabilities);
    }

    /// <summary>The names by which Falco and others know a container and its pod.</summary>
    private static Dictionary<string, string> Annotations(ContainerSpec spec, ContainerPlace place) => new()
    {
        ["io.kubernetes.cri.container-type"] = "container",
        ["io.kubernetes.cri.container-name"] = spec.Name,
        ["io.kubernetes.cri.image-name"] = spec.Image.UserSpecified.Length > 0 ? spec.Image.UserSpecified : spec.Image.Reference,
        ["io.kubernetes.cri.sandbox-id"] = place.Pod.Value,
        ["io.kubernetes.cri.sandbox-name"] = place.PodName,
        ["io.kubernetes.cri.sandbox-namespace"] = place.PodNamespace,
        ["io.kubernetes.cri.sandbox-uid"] = place.PodUid,
    };
}
