using System.Text.Json;
using System.Text.Json.Nodes;
using Gantry.Oci.Spec;
using Gantry.Yaml;

namespace Gantry.Containers.Cdi;

/// <summary>One file of devices of one kind (Container Device Interface, versions 0.3 to 1.x).</summary>
/// <param name="Path">The file.</param>
/// <param name="Kind">"vendor.com/gpu".</param>
/// <param name="Edits">For a container with any of the devices, once.</param>
/// <param name="Devices">By name.</param>
public sealed record CdiSpec(string Path, string Kind, CdiEdits Edits, IReadOnlyDictionary<string, CdiEdits> Devices)
{
    private static readonly string[] _hookNames = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];

    /// <summary>Reads a file's text, JSON or YAML.</summary>
    /// <exception cref="FormatException">It is no such file; the message says why.</exception>
    public static CdiSpec Parse(string path, string text)
    {
        try
        {
            var root = Read(path, text) as JsonObject ?? throw new FormatException("it is no mapping");
            CheckVersion(Text(root, "cdiVersion") ?? throw new FormatException("cdiVersion is missing"));
            var kind = Text(root, "kind") is { } given && CdiName.IsKind(given) ? given : throw new FormatException("kind is no vendor/class");
            var devices = new Dictionary<string, CdiEdits>(StringComparer.Ordinal);
            foreach (var device in List(root, "devices"))
            {
                var name = Text(device, "name") is { } asked && CdiName.IsName(asked, "_-.:") ? asked : throw new FormatException("a device has no valid name");
                if (!devices.TryAdd(name, EditsOf(device)))
                    throw new FormatException($"device {name} is given twice");
            }
            return devices.Count > 0 ? new CdiSpec(path, kind, EditsOf(root), devices) : throw new FormatException("it has no devices");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or YamlFormatException or OverflowException)
        {
            throw new FormatException(e.Message, e);
        }
    }

    private static JsonNode? Read(string path, string text)
    {
        if (path.EndsWith(".json", StringComparison.Ordinal))
            return JsonNode.Parse(text, null, new JsonDocumentOptions { MaxDepth = 32 });
        using var reader = new StringReader(text);
        // By way of text: numbers then convert to any type that they fit, as those of JSON files do.
        return YamlReader.Read(reader) is [var document] ? JsonNode.Parse(document.ToJsonString()) : throw new FormatException("it is not one document");
    }

    private static void CheckVersion(string version)
    {
        var isKnown = System.Version.TryParse(version.TrimStart('v'), out var parsed) && parsed is { Major: 0, Minor: >= 1 } or { Major: 1 };
        if (!isKnown)
            throw new FormatException($"cdiVersion {version} is not known; 0.3 to 1.x are");
    }

    private static CdiEdits EditsOf(JsonObject owner) => owner["containerEdits"] is not JsonObject edits ? new CdiEdits() : new CdiEdits
    {
        Environment = [.. Texts(edits, "env").Select(variable => variable.IndexOf('=', StringComparison.Ordinal) > 0 ? variable : throw new FormatException($"env '{variable}' is no NAME=value"))],
        DeviceNodes = [.. List(edits, "deviceNodes").Select(DeviceNode)],
        Mounts = [.. List(edits, "mounts").Select(Mount)],
        Hooks = [.. List(edits, "hooks").Select(Hook)],
        AdditionalGroups = [.. (edits["additionalGids"] as JsonArray ?? []).Select(group => group!.GetValue<uint>())],
        IntelRdt = edits["intelRdt"] is JsonObject rdt ? IntelRdt(rdt) : null,
    };

    private static CdiDeviceNode DeviceNode(JsonObject node) => new(AbsolutePath(node, "path"))
    {
        HostPath = Text(node, "hostPath") ?? "",
        Type = Text(node, "type") is { Length: > 0 } type ? type is "b" or "c" or "u" or "p" ? type : throw new FormatException($"device type '{type}' is none of b, c, u and p") : null,
        Major = (long?)node["major"],
        Minor = (long?)node["minor"],
        FileMode = (uint?)node["fileMode"],
        Permissions = Text(node, "permissions") is { } permissions && permissions.All(c => c is 'r' or 'w' or 'm') ? permissions : "",
        Uid = (uint?)node["uid"],
        Gid = (uint?)node["gid"],
    };

    private static OciMount Mount(JsonObject mount)
    {
        var type = Text(mount, "type") ?? "bind";
        var options = Texts(mount, "options") is { Count: > 0 } given ? given : ["rbind"];
        // In a user namespace a bind has the node's mount for a peer unless told otherwise: what is mounted there for the container would come back.
        if (type is "bind" && !options.Any(IsPropagation))
            options.Add("rslave");
        return new OciMount(
            AbsolutePath(mount, "containerPath"), type, Text(mount, "hostPath") is { Length: > 0 } host ? host : throw new FormatException("a mount has no hostPath"), options);
    }

    private static bool IsPropagation(string option) =>
        option.EndsWith("shared", StringComparison.Ordinal) || option.EndsWith("slave", StringComparison.Ordinal) || option.EndsWith("private", StringComparison.Ordinal);

    private static CdiHook Hook(JsonObject hook)
    {
        var name = Text(hook, "hookName") ?? "";
        if (!_hookNames.Contains(name))
            throw new FormatException($"hook '{name}' is none of {string.Join(", ", _hookNames)}");
        return new CdiHook(name, new OciHook(AbsolutePath(hook, "path"))
        {
            Args = Texts(hook, "args") is { Count: > 0 } words ? words : null,
            Env = Texts(hook, "env") is { Count: > 0 } variables ? variables : null,
            Timeout = (int?)hook["timeout"],
        });
    }

    private static OciIntelRdt IntelRdt(JsonObject rdt) => new()
    {
        ClassOfService = Text(rdt, "closID"),
        L3CacheSchema = Text(rdt, "l3CacheSchema"),
        MemBwSchema = Text(rdt, "memBwSchema"),
        Schemata = Texts(rdt, "schemata") is { Count: > 0 } schemata ? schemata : null,
        EnableCacheMonitoring = (bool?)rdt["enableCMT"],
        EnableBandwidthMonitoring = (bool?)rdt["enableMBM"],
        EnableMonitoring = (bool?)rdt["enableMonitoring"],
    };

    private static string AbsolutePath(JsonObject owner, string name) =>
        Text(owner, name) is ['/', ..] path ? path : throw new FormatException($"{name} is no absolute path");

    private static string? Text(JsonObject owner, string name) => owner[name] is { } value
        ? value.GetValueKind() is JsonValueKind.String ? value.GetValue<string>() : value.ToJsonString()
        : null;

    private static List<string> Texts(JsonObject owner, string name) => [.. (owner[name] as JsonArray ?? []).Select(text => text!.GetValue<string>())];

    private static IEnumerable<JsonObject> List(JsonObject owner, string name) =>
        (owner[name] as JsonArray ?? []).Select(item => item as JsonObject ?? throw new FormatException($"{name} holds something that is no mapping"));
}
