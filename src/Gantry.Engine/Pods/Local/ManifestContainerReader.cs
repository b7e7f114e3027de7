using System.Text;
using Gantry.Cgroups;
using Gantry.Containers;
using Gantry.Faults;

namespace Gantry.Pods.Local;

/// <summary>Reads a container of a v1/Pod.</summary>
internal static class ManifestContainerReader
{
    /// <summary>As the kubelet does: 1 CPU is 1024 shares, and a period is 100 ms.</summary>
    private const long CpuPeriod = 100_000;

    private static readonly string[] _notActedOn =
    [
        "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "envFrom", "volumeDevices", "resizePolicy", "restartPolicyRules",
        "terminationMessagePath", "terminationMessagePolicy",
    ];

    private static readonly string[] _maskedPaths =
    [
        "/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
        "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
    ];

    private static readonly string[] _readOnlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

    public static ManifestContainer Read(ManifestNode node, ManifestNode spec, HashSet<string> names, List<string> notes)
    {
        var name = ManifestReader.Name(node["name"]);
        if (!names.Add(name))
            throw new InvalidRequestException($"pod manifest: two containers are named '{name}'");
        notes.AddRange(_notActedOn.Where(field => node[field].Exists).Select(field => $"{node.Path}.{field} is not acted on without a kubelet"));
        // One that runs beside the others would be waited for without end.
        if (node["restartPolicy"].Exists)
            throw new InvalidRequestException($"pod manifest: {node.Path}.restartPolicy: containers with a policy of their own, as sidecars, are not supported yet");
        var image = node["image"].RequiredText();
        var container = new ContainerSpec
        {
            Name = name,
            Image = new ImageSource(image) { UserSpecified = image },
            Command = node["command"].Texts(),
            Arguments = node["args"].Texts(),
            WorkingDirectory = node["workingDir"].Text(),
            Environment = [.. node["env"].Items().Select(ReadVariable)],
            Stdin = node["stdin"].Flag(),
            StdinOnce = node["stdinOnce"].Flag(),
            Terminal = node["tty"].Flag(),
            Resources = ReadResources(node["resources"]),
            Security = ReadSecurity(node["securityContext"], spec),
        };
        return new ManifestContainer(container, ReadPullPolicy(node, image), [.. node["volumeMounts"].Items().Select(ReadMount)])
        {
            MustNotBeRoot = node["securityContext"]["runAsNonRoot"].Flag(missing: spec["securityContext"]["runAsNonRoot"].Flag()),
        };
    }

    /// <summary>Which namespaces the pod's containers share.</summary>
    public static NamespaceSharing Sharing(ManifestNode spec) => new()
    {
        Network = spec["hostNetwork"].Flag() ? NamespaceMode.Node : NamespaceMode.Pod,
        Pid = spec["hostPID"].Flag() ? NamespaceMode.Node : spec["shareProcessNamespace"].Flag() ? NamespaceMode.Pod : NamespaceMode.Container,
        Ipc = spec["hostIPC"].Flag() ? NamespaceMode.Node : NamespaceMode.Pod,
    };

    public static SecurityProfile? Seccomp(ManifestNode node) => !node.Exists ? null : node["type"].Text() switch
    {
        "RuntimeDefault" => new SecurityProfile(ProfileKind.RuntimeDefault),
        "Unconfined" => new SecurityProfile(ProfileKind.Unconfined),
        "Localhost" => new SecurityProfile(ProfileKind.Localhost, node["localhostProfile"].RequiredText()),
        _ => throw node["type"].Wrong("RuntimeDefault, Unconfined or Localhost"),
    };

    public static SelinuxLabel? Selinux(ManifestNode node) =>
        node.Exists ? new SelinuxLabel(node["user"].Text(), node["role"].Text(), node["type"].Text(), node["level"].Text()) : null;

    private static EnvironmentVariable ReadVariable(ManifestNode node)
    {
        if (node["valueFrom"].Exists)
            throw new InvalidRequestException($"pod manifest: {node.Path}.valueFrom needs a cluster: give the value itself");
        var name = node["name"].RequiredText();
        return name.Contains('=') ? throw node["name"].Wrong("a name without '='") : new EnvironmentVariable(name, Encoding.UTF8.GetBytes(node["value"].Text()));
    }

    private static PullPolicy ReadPullPolicy(ManifestNode node, string image)
    {
        var tag = image[(image.LastIndexOf('/') + 1)..];
        var isMoving = !tag.Contains('@') && (!tag.Contains(':') || tag.EndsWith(":latest", StringComparison.Ordinal));
        return node["imagePullPolicy"].Choice(isMoving ? PullPolicy.Always : PullPolicy.IfNotPresent);
    }

    private static ManifestMount ReadMount(ManifestNode node)
    {
        var path = node["mountPath"].RequiredText();
        if (node["subPathExpr"].Exists)
            throw new InvalidRequestException($"pod manifest: {node.Path}.subPathExpr is not supported: give the path itself as subPath");
        var subPath = node["subPath"].Text();
        if (subPath.StartsWith('/') || subPath.Split('/').Contains(".."))
            throw node["subPath"].Wrong("a relative path without '..'");
        var propagation = node["mountPropagation"].Text("None") switch
        {
            "None" => MountPropagation.Private,
            "HostToContainer" => MountPropagation.HostToContainer,
            "Bidirectional" => MountPropagation.Bidirectional,
            _ => throw node["mountPropagation"].Wrong("None, HostToContainer or Bidirectional"),
        };
        return path.StartsWith('/')
            ? new ManifestMount(node["name"].RequiredText(), path, subPath, node["readOnly"].Flag(), propagation) { RecursiveReadOnly = node["recursiveReadOnly"].Text() is "Enabled" }
            : throw node["mountPath"].Wrong("an absolute path");
    }

    private static LinuxResources ReadResources(ManifestNode node)
    {
        var limit = node["limits"]["cpu"].Milli();
        var request = node["requests"]["cpu"].Milli() ?? limit;
        var memory = node["limits"]["memory"].Milli() / 1000;
        return new LinuxResources
        {
            CpuPeriod = limit is null ? 0 : CpuPeriod,
            CpuQuota = limit is null ? 0 : Math.Max(1000, limit.Value * CpuPeriod / 1000),
            CpuShares = request is null ? 0 : Math.Clamp(request.Value * 1024 / 1000, 2, 262144),
            MemoryLimit = memory ?? 0,
        };
    }

    private static ContainerSecurity ReadSecurity(ManifestNode own, ManifestNode spec)
    {
        var pod = spec["securityContext"];
        var privileged = own["privileged"].Flag();
        var isMasked = !privileged && own["procMount"].Text("Default") == "Default";
        return new ContainerSecurity
        {
            Privileged = privileged,
            Namespaces = Sharing(spec),
            RunAsUser = own["runAsUser"].Whole() ?? pod["runAsUser"].Whole(),
            RunAsGroup = own["runAsGroup"].Whole() ?? pod["runAsGroup"].Whole(),
            SupplementalGroups = [.. pod["supplementalGroups"].Items().Select(node => node.Whole() ?? throw node.Wrong("a group id")), .. FsGroup(pod)],
            SupplementalGroupsPolicy = pod["supplementalGroupsPolicy"].Choice(SupplementalGroupsPolicy.Merge),
            ReadOnlyRootfs = own["readOnlyRootFilesystem"].Flag(),
            NoNewPrivileges = !own["allowPrivilegeEscalation"].Flag(missing: true),
            Seccomp = Seccomp(own["seccompProfile"]) ?? Seccomp(pod["seccompProfile"]) ?? new SecurityProfile(ProfileKind.RuntimeDefault),
            Selinux = Selinux(own["seLinuxOptions"]),
            MaskedPaths = isMasked ? _maskedPaths : [],
            ReadOnlyPaths = isMasked ? _readOnlyPaths : [],
            AddCapabilities = own["capabilities"]["add"].Texts(),
            DropCapabilities = own["capabilities"]["drop"].Texts(),
        };
    }

    private static IEnumerable<long> FsGroup(ManifestNode pod) => pod["fsGroup"].Whole() is { } group ? [group] : [];
}
