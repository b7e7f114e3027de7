using System.Text.Json;
using Gantry.Faults;
using Gantry.Networking;

namespace Gantry.Pods.Local;

/// <summary>Reads a v1/Pod. Errors name the field; fields that nobody acts on without a kubelet become notes.</summary>
public static class ManifestReader
{
    private const int SizeLimit = 1 << 20;
    private static readonly JsonDocumentOptions _strict = new() { MaxDepth = 64, AllowDuplicateProperties = false };

    private static readonly string[] _notActedOn =
    [
        "affinity", "nodeSelector", "nodeName", "serviceAccountName", "serviceAccount", "schedulerName", "tolerations", "priorityClassName",
        "priority", "topologySpreadConstraints", "readinessGates", "activeDeadlineSeconds", "imagePullSecrets", "automountServiceAccountToken",
        "enableServiceLinks", "preemptionPolicy", "overhead", "subdomain", "resourceClaims", "dnsPolicy", "ephemeralContainers", "hostAliases",
        "hostnameOverride", "os", "resources", "schedulingGates", "setHostnameAsFQDN",
    ];

    /// <exception cref="InvalidRequestException">It is no pod, or a field of it is wrong.</exception>
    public static PodManifest Read(ReadOnlyMemory<byte> json)
    {
        if (json.Length > SizeLimit)
            throw new InvalidRequestException($"pod manifest: {json.Length} bytes are more than the {SizeLimit} that are allowed");
        try
        {
            using var document = JsonDocument.Parse(json, _strict);
            return Read(new ManifestNode(document.RootElement, ""));
        }
        catch (JsonException e)
        {
            throw new InvalidRequestException($"pod manifest: it is not valid JSON: {e.Message}", e);
        }
    }

    private static PodManifest Read(ManifestNode root)
    {
        if (root["kind"].Text() != "Pod" || root["apiVersion"].Text() != "v1")
            throw new InvalidRequestException($"pod manifest: it is a {root["apiVersion"].Text("(no apiVersion)")} {root["kind"].Text("(no kind)")}, and only a v1 Pod can be run");
        ManifestFields.Check(root);
        var spec = root["spec"];
        if (!spec["hostUsers"].Flag(missing: true))
            throw new InvalidRequestException("pod manifest: spec.hostUsers is false, which asks for a user namespace: this version does not have them yet");
        var notes = _notActedOn.Where(name => spec[name].Exists).Select(name => $"spec.{name} is not acted on without a cluster").ToList();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var init = spec["initContainers"].Items().Select(node => ManifestContainerReader.Read(node, spec, names, notes)).ToList();
        var containers = spec["containers"].Items().Select(node => ManifestContainerReader.Read(node, spec, names, notes)).ToList();
        if (containers.Count == 0)
            throw new InvalidRequestException("pod manifest: spec.containers is empty: a pod needs a container");
        var volumes = new Dictionary<string, ManifestVolume>(StringComparer.Ordinal);
        foreach (var node in spec["volumes"].Items())
        {
            if (!volumes.TryAdd(Name(node["name"]), ReadVolume(node, notes)))
                throw new InvalidRequestException($"pod manifest: two volumes are named '{node["name"].Text()}'");
        }
        foreach (var mount in init.Concat(containers).SelectMany(container => container.VolumeMounts))
        {
            if (!volumes.ContainsKey(mount.Volume))
                throw new InvalidRequestException($"pod manifest: a container mounts volume '{mount.Volume}', which spec.volumes does not have");
        }
        return new PodManifest(
            ReadPod(root["metadata"], spec), init, containers, volumes, spec["restartPolicy"].Choice(RestartPolicy.Always),
            TimeSpan.FromSeconds(Math.Max(0, spec["terminationGracePeriodSeconds"].Whole() ?? 30)), notes);
    }

    /// <summary>A name that may become part of a path and of a host name (RFC 1123).</summary>
    internal static string Name(ManifestNode node)
    {
        var name = node.RequiredText();
        var valid = name.Length <= 253 && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '.')
            && char.IsAsciiLetterOrDigit(name[0]) && char.IsAsciiLetterOrDigit(name[^1]);
        return valid ? name : throw node.Wrong("a name of lower-case letters, digits, '-' and '.'");
    }

    private static PodSpec ReadPod(ManifestNode metadata, ManifestNode spec)
    {
        var name = Name(metadata["name"]);
        var hostNetwork = spec["hostNetwork"].Flag();
        var security = spec["securityContext"];
        return new PodSpec
        {
            Name = name,
            Namespace = metadata["namespace"].Exists ? Name(metadata["namespace"]) : "default",
            Uid = "",
            Hostname = hostNetwork ? "" : spec["hostname"].Text(name.Length > 63 ? name[..63] : name),
            Labels = metadata["labels"].Map(),
            Annotations = metadata["annotations"].Map(),
            Dns = ReadDns(spec),
            PortMappings = [.. spec["containers"].Items().SelectMany(container => container["ports"].Items()).Select(ReadPort)],
            Sysctls = security["sysctls"].Items().DistinctBy(node => node["name"].RequiredText()).ToDictionary(node => node["name"].RequiredText(), node => node["value"].Text()),
            RuntimeHandler = spec["runtimeClassName"].Text(),
            IsLocal = true,
            Security = new PodSecurity
            {
                Namespaces = ManifestContainerReader.Sharing(spec),
                Privileged = spec["containers"].Items().Concat(spec["initContainers"].Items()).Any(node => node["securityContext"]["privileged"].Flag()),
                Seccomp = ManifestContainerReader.Seccomp(security["seccompProfile"]),
                Selinux = ManifestContainerReader.Selinux(security["seLinuxOptions"]),
            },
        };
    }

    private static DnsSettings? ReadDns(ManifestNode spec)
    {
        var config = spec["dnsConfig"];
        if (!config.Exists)
            return null;
        var options = config["options"].Items().Select(node => node["value"].Exists ? $"{node["name"].RequiredText()}:{node["value"].Text()}" : node["name"].RequiredText());
        return new DnsSettings(config["nameservers"].Texts(), config["searches"].Texts(), [.. options]);
    }

    private static PortMapping ReadPort(ManifestNode node)
    {
        var port = node["containerPort"].Whole() ?? throw node["containerPort"].Wrong("a port");
        var hostPort = node["hostPort"].Whole() ?? 0;
        if (port is < 1 or > 65535)
            throw node["containerPort"].Wrong("a port from 1 to 65535");
        if (hostPort is < 0 or > 65535)
            throw node["hostPort"].Wrong("a port from 1 to 65535");
        var protocol = node["protocol"].Text("TCP") switch
        {
            "TCP" => TransportProtocol.Tcp,
            "UDP" => TransportProtocol.Udp,
            "SCTP" => TransportProtocol.Sctp,
            _ => throw node["protocol"].Wrong("TCP, UDP or SCTP"),
        };
        return new PortMapping(protocol, (int)port, (int)hostPort, node["hostIP"].Text());
    }

    private static ManifestVolume ReadVolume(ManifestNode node, List<string> notes)
    {
        if (node["hostPath"].Exists)
        {
            var path = node["hostPath"]["path"].RequiredText();
            if (!path.StartsWith('/') || path.Split('/').Contains(".."))
                throw node["hostPath"]["path"].Wrong("an absolute path without '..'");
            return new ManifestVolume(path, node["hostPath"]["type"].Text(), false);
        }
        if (node["emptyDir"].Exists)
        {
            if (node["emptyDir"]["sizeLimit"].Exists)
                notes.Add($"{node.Path}.emptyDir.sizeLimit is not enforced");
            if (node["emptyDir"]["medium"].Text() is { Length: > 0 } medium)
                notes.Add($"{node.Path}.emptyDir is on the node's disk, not of medium {medium}");
            return new ManifestVolume(null, "", node["emptyDir"]["medium"].Text() == "Memory");
        }
        var kind = node.FieldNames().FirstOrDefault(name => name != "name") ?? "nothing";
        throw new InvalidRequestException($"pod manifest: {node.Path} is of kind {kind}: without a cluster there are emptyDir and hostPath volumes only");
    }
}
