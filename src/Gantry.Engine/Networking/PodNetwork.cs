using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Persistence;

namespace Gantry.Networking;

/// <summary>A pod, as network plugins are told of it.</summary>
/// <param name="Pod">The CNI container id.</param>
/// <param name="NetnsPath">Empty when the namespace is gone.</param>
/// <param name="Name">The pod's name.</param>
/// <param name="Namespace">The pod's Kubernetes namespace.</param>
/// <param name="Uid">The pod's uid.</param>
/// <param name="Ports">Of which those with a host port are mapped.</param>
/// <param name="Annotations">The bandwidth limits are in them.</param>
/// <param name="Dns">The pod's resolver configuration.</param>
/// <param name="CgroupPath">The pod's cgroup.</param>
public sealed record NetworkAttachment(
    PodId Pod, string NetnsPath, string Name, string Namespace, string Uid, IReadOnlyList<PortMapping> Ports, IReadOnlyDictionary<string, string> Annotations,
    DnsSettings? Dns, string CgroupPath);

/// <summary>The addresses that a pod got, the one for its status first.</summary>
public sealed record PodAddresses(IReadOnlyList<string> Addresses);

/// <summary>Whether pods can get a network, and if not, why.</summary>
public sealed record NetworkReadiness(bool Ready, string Reason, string Message);

/// <summary>
/// Attaches pods to the node's network by its CNI plugins. What an ADD was done with is kept in the pod's directory before
/// it begins, so that the DEL is that network's, whatever the configuration says by then.
/// </summary>
public sealed class PodNetwork(CniOptions options, CniPlugin plugin, NodePaths paths, TimeProvider time)
{
    private const string Interface = "eth0";
    private readonly NetworkStatus _status = new(plugin, time);

    /// <summary>Whether there is a valid configuration whose plugins are installed, and say that they can serve where they can be asked.</summary>
    public async Task<NetworkReadiness> CheckAsync()
    {
        var problem = CniNetwork.Find(options.ConfDirectory, out var none) is { } network ? Missing(network) ?? await _status.ProblemAsync(network) : none;
        return problem is null ? new NetworkReadiness(true, "", "") : new NetworkReadiness(false, "NetworkPluginNotReady", problem);
    }

    /// <summary>ADD, by every plugin of the network in order.</summary>
    /// <exception cref="WrongStateException">The node has no network configuration, or lacks a plugin.</exception>
    /// <exception cref="ToolFailedException">A plugin failed; the caller must detach.</exception>
    public async Task<PodAddresses> AttachAsync(NetworkAttachment pod, CancellationToken cancel)
    {
        var network = CniNetwork.Find(options.ConfDirectory, out var problem) ?? throw new WrongStateException($"pod {pod.Name}: {problem}: install one, or set cni.conf_dir");
        // Before anything is begun: then there is nothing to undo, and no DEL that fails for the same reason.
        if (Missing(network) is { } missing)
            throw new WrongStateException($"pod {pod.Name}: {missing}");
        Save(pod, network, null);
        JsonNode? previous = null;
        foreach (var conf in network.Plugins)
            previous = await plugin.RunAsync("ADD", network, Request(conf, network, pod, previous), pod, cancel) ?? previous;
        Save(pod, network, previous);
        var addresses = Addresses(previous);
        return addresses.Count > 0
            ? new PodAddresses(addresses)
            : throw new ToolFailedException($"pod {pod.Name}: network {network.Name} ({network.File}) gave {Interface} no address", 0, "");
    }

    /// <summary>Whether an ADD was begun for the pod and no DEL has ended well since: it may hold addresses.</summary>
    public bool Holds(PodId id) => File.Exists(CachePath(id));

    /// <summary>DEL, by every plugin in reverse order; one that fails does not keep the others from theirs.</summary>
    /// <exception cref="GantryException">A plugin failed: the address may be held still. Trying again is safe.</exception>
    public async Task DetachAsync(NetworkAttachment pod, CancellationToken cancel)
    {
        if (!Holds(pod.Pod))
            return;
        if ((Load(pod.Pod) ?? Guess()) is not { } saved)
        {
            File.Delete(CachePath(pod.Pod));
            return;
        }
        Exception? first = null;
        foreach (var conf in saved.Network.Plugins.Reverse())
        {
            try
            {
                await plugin.RunAsync("DEL", saved.Network, Request(conf, saved.Network, saved.Pod(pod), saved.Previous), saved.Pod(pod), cancel);
            }
            catch (GantryException e)
            {
                first ??= e;
            }
        }
        if (first is not null)
            throw first;
        File.Delete(CachePath(pod.Pod));
    }

    private string? Missing(CniNetwork network)
    {
        var missing = network.Plugins.Select(conf => (string)conf["type"]!).FirstOrDefault(type => plugin.Find(type) is null);
        return missing is null ? null : plugin.Missing(missing, network);
    }

    /// <summary>What one plugin is given about the pod.</summary>
    private static JsonObject Request(JsonObject conf, CniNetwork network, NetworkAttachment pod, JsonNode? previous)
    {
        var request = network.Request(conf);
        if (conf["capabilities"] is JsonObject capabilities && Capabilities(capabilities, pod) is { Count: > 0 } runtime)
            request["runtimeConfig"] = runtime;
        if (previous is not null)
            request["prevResult"] = previous.DeepClone();
        return request;
    }

    private static JsonObject Capabilities(JsonObject asked, NetworkAttachment pod)
    {
        var runtime = new JsonObject();
        bool IsAsked(string name) => asked[name] is JsonValue value && value.TryGetValue<bool>(out var isAsked) && isAsked;
        if (IsAsked("portMappings"))
        {
            runtime["portMappings"] = new JsonArray([.. pod.Ports.Where(port => port.HostPort > 0).Select(port => (JsonNode)new JsonObject
            {
                ["hostPort"] = port.HostPort,
                ["containerPort"] = port.ContainerPort,
                ["protocol"] = port.Protocol.ToString().ToLowerInvariant(),
                ["hostIP"] = port.HostAddress,
            })]);
        }
        if (IsAsked("dns") && pod.Dns is { } dns)
            runtime["dns"] = new JsonObject { ["servers"] = Strings(dns.Servers), ["searches"] = Strings(dns.Searches), ["options"] = Strings(dns.Options) };
        if (IsAsked("cgroupPath"))
            runtime["cgroupPath"] = pod.CgroupPath;
        if (IsAsked("bandwidth") && Bandwidth(pod.Annotations) is { Count: > 0 } bandwidth)
            runtime["bandwidth"] = bandwidth;
        return runtime;
    }

    private static JsonArray Strings(IEnumerable<string> texts) => new([.. texts.Select(text => (JsonNode)text)]);

    private static JsonObject Bandwidth(IReadOnlyDictionary<string, string> annotations)
    {
        var limits = new JsonObject();
        foreach (var (direction, name) in new[] { ("ingress", "kubernetes.io/ingress-bandwidth"), ("egress", "kubernetes.io/egress-bandwidth") })
        {
            if (annotations.TryGetValue(name, out var text) && BitRate.TryParse(text, out var bits))
            {
                limits[$"{direction}Rate"] = bits;
                limits[$"{direction}Burst"] = uint.MaxValue;
            }
        }
        return limits;
    }

    /// <summary>
    /// The pod's own addresses in a result of any version: those of no host-side interface, without the prefix length. What
    /// is not of the specification's shape is left out: it gives no address.
    /// </summary>
    internal static IReadOnlyList<string> Addresses(JsonNode? result)
    {
        var found = new List<string>();
        var interfaces = (result as JsonObject)?["interfaces"] as JsonArray;
        foreach (var entry in ((result as JsonObject)?["ips"] as JsonArray ?? []).OfType<JsonObject>())
        {
            var isHostSide = entry["interface"] is JsonValue index && index.TryGetValue<int>(out var n)
                && interfaces is not null && n >= 0 && n < interfaces.Count && string.IsNullOrEmpty(Text((interfaces[n] as JsonObject)?["sandbox"]));
            if (!isHostSide && IPAddress.TryParse(Text(entry["address"])?.Split('/')[0], out var parsed))
                found.Add(parsed.ToString());
        }
        return found;
    }

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private string CachePath(PodId id) => Path.Combine(paths.Pod(id), "network.json");

    private void Save(NetworkAttachment pod, CniNetwork network, JsonNode? result)
    {
        var saved = new JsonObject
        {
            ["name"] = network.Name,
            ["cniVersion"] = network.Version,
            ["file"] = network.File,
            ["pod"] = pod.Name,
            ["namespace"] = pod.Namespace,
            ["uid"] = pod.Uid,
            ["ports"] = new JsonArray([.. pod.Ports.Select(port => (JsonNode)$"{(int)port.Protocol} {port.ContainerPort} {port.HostPort} {port.HostAddress}")]),
            ["plugins"] = new JsonArray([.. network.Plugins.Select(conf => conf.DeepClone())]),
            ["result"] = result?.DeepClone(),
        };
        AtomicFile.Write(CachePath(pod.Pod), saved.ToJsonString());
    }

    private SavedAttachment? Load(PodId id)
    {
        try
        {
            var saved = (JsonObject)JsonNode.Parse(File.ReadAllText(CachePath(id)))!;
            var plugins = saved["plugins"]!.AsArray().OfType<JsonObject>().ToList();
            var network = new CniNetwork((string)saved["name"]!, (string)saved["cniVersion"]!, (string)saved["file"]!, plugins);
            return new SavedAttachment(network, saved["result"], (string)saved["pod"]!, (string)saved["namespace"]!, (string)saved["uid"]!, Ports(saved["ports"]!.AsArray()));
        }
        catch (Exception e) when (e is IOException or JsonException or InvalidOperationException or NullReferenceException or InvalidCastException or FormatException or IndexOutOfRangeException)
        {
            return null;
        }
    }

    /// <summary>A file that a power cut tore says only that an ADD was begun: the node's network as it is now is the best there is.</summary>
    private SavedAttachment? Guess() => CniNetwork.Find(options.ConfDirectory, out _) is { } network ? new SavedAttachment(network, null, "unknown", "unknown", "unknown", []) : null;

    private static List<PortMapping> Ports(JsonArray saved) =>
        [.. saved.Select(entry => ((string)entry!).Split(' ', 4)).Select(p => new PortMapping((TransportProtocol)int.Parse(p[0]), int.Parse(p[1]), int.Parse(p[2]), p[3]))];

    private sealed record SavedAttachment(CniNetwork Network, JsonNode? Previous, string Name, string Namespace, string Uid, IReadOnlyList<PortMapping> Ports)
    {
        public NetworkAttachment Pod(NetworkAttachment now) => now with { Name = Name, Namespace = Namespace, Uid = Uid, Ports = Ports };
    }
}
