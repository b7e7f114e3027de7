using Gantry.Faults;

namespace Gantry.Pods.Local;

/// <summary>
/// The fields that a v1/Pod has (Kubernetes 1.36). A field that is none is a slip of the pen, and a pod without what it was
/// meant to say is not what was asked for: it is refused, as kubectl refuses it.
/// </summary>
internal static class ManifestFields
{
    private static readonly HashSet<string> _pod = ["apiVersion", "kind", "metadata", "spec", "status"];

    private static readonly HashSet<string> _metadata =
    [
        "annotations", "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "finalizers", "generateName", "generation", "labels",
        "managedFields", "name", "namespace", "ownerReferences", "resourceVersion", "selfLink", "uid",
    ];

    private static readonly HashSet<string> _spec =
    [
        "activeDeadlineSeconds", "affinity", "automountServiceAccountToken", "containers", "dnsConfig", "dnsPolicy", "enableServiceLinks",
        "ephemeralContainers", "hostAliases", "hostIPC", "hostNetwork", "hostPID", "hostUsers", "hostname", "hostnameOverride", "imagePullSecrets",
        "initContainers", "nodeName", "nodeSelector", "os", "overhead", "preemptionPolicy", "priority", "priorityClassName", "readinessGates",
        "resourceClaims", "resources", "restartPolicy", "runtimeClassName", "schedulerName", "schedulingGates", "securityContext", "serviceAccount",
        "serviceAccountName", "setHostnameAsFQDN", "shareProcessNamespace", "subdomain", "terminationGracePeriodSeconds", "tolerations",
        "topologySpreadConstraints", "volumes",
    ];

    private static readonly HashSet<string> _podSecurity =
    [
        "appArmorProfile", "fsGroup", "fsGroupChangePolicy", "runAsGroup", "runAsNonRoot", "runAsUser", "seLinuxChangePolicy", "seLinuxOptions",
        "seccompProfile", "supplementalGroups", "supplementalGroupsPolicy", "sysctls", "windowsOptions",
    ];

    private static readonly HashSet<string> _container =
    [
        "args", "command", "env", "envFrom", "image", "imagePullPolicy", "lifecycle", "livenessProbe", "name", "ports", "readinessProbe",
        "resizePolicy", "resources", "restartPolicy", "restartPolicyRules", "securityContext", "startupProbe", "stdin", "stdinOnce",
        "terminationMessagePath", "terminationMessagePolicy", "tty", "volumeDevices", "volumeMounts", "workingDir",
    ];

    private static readonly HashSet<string> _containerSecurity =
    [
        "allowPrivilegeEscalation", "appArmorProfile", "capabilities", "privileged", "procMount", "readOnlyRootFilesystem", "runAsGroup",
        "runAsNonRoot", "runAsUser", "seLinuxOptions", "seccompProfile", "windowsOptions",
    ];

    private static readonly HashSet<string> _mount = ["mountPath", "mountPropagation", "name", "readOnly", "recursiveReadOnly", "subPath", "subPathExpr"];

    private static readonly HashSet<string> _port = ["containerPort", "hostIP", "hostPort", "name", "protocol"];

    private static readonly HashSet<string> _variable = ["name", "value", "valueFrom"];

    private static readonly HashSet<string> _resources = ["claims", "limits", "requests"];

    /// <exception cref="InvalidRequestException">A field is none that a pod has; the message names it.</exception>
    public static void Check(ManifestNode root)
    {
        Check(root, _pod, "a pod");
        Check(root["metadata"], _metadata, "metadata");
        var spec = root["spec"];
        Check(spec, _spec, "a pod's spec");
        Check(spec["securityContext"], _podSecurity, "a pod's securityContext");
        foreach (var container in spec["initContainers"].Items().Concat(spec["containers"].Items()))
            CheckContainer(container);
    }

    private static void CheckContainer(ManifestNode container)
    {
        Check(container, _container, "a container");
        Check(container["securityContext"], _containerSecurity, "a container's securityContext");
        Check(container["resources"], _resources, "resources");
        foreach (var mount in container["volumeMounts"].Items())
            Check(mount, _mount, "a volumeMount");
        foreach (var port in container["ports"].Items())
            Check(port, _port, "a port");
        foreach (var variable in container["env"].Items())
            Check(variable, _variable, "an environment variable");
    }

    private static void Check(ManifestNode node, HashSet<string> known, string what)
    {
        if (node.FieldNames().FirstOrDefault(name => !known.Contains(name)) is not { } unknown)
            return;
        var likely = known.FirstOrDefault(name => name.Equals(unknown, StringComparison.OrdinalIgnoreCase)) ?? known.FirstOrDefault(name => IsOneSlipAway(name, unknown));
        throw new InvalidRequestException($"pod manifest: {node[unknown].Path} is no field of {what}{(likely is null ? "" : $"; is '{likely}' meant?")}");
    }

    /// <summary>Whether one letter more, less or other makes one word the other.</summary>
    private static bool IsOneSlipAway(string one, string other)
    {
        if (Math.Abs(one.Length - other.Length) > 1)
            return false;
        var start = 0;
        while (start < one.Length && start < other.Length && one[start] == other[start])
            start++;
        var restOfOne = one.AsSpan(start);
        var restOfOther = other.AsSpan(start);
        return one.Length == other.Length ? restOfOne[1..].SequenceEqual(restOfOther[1..])
            : one.Length > other.Length ? restOfOne[1..].SequenceEqual(restOfOther)
            : restOfOther[1..].SequenceEqual(restOfOne);
    }
}
