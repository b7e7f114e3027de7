using System.Text.Json;
using System.Text.Json.Nodes;
using Gantry.Faults;

namespace Gantry.Networking;

/// <summary>Where the network's configuration and plugins are.</summary>
public sealed record CniOptions(string ConfDirectory, IReadOnlyList<string> BinDirectories, TimeSpan Timeout)
{
    /// <summary>How many plugins run at the same time.</summary>
    public int MaxParallel { get; init; } = 32;
}

/// <summary>A network: the plugins of one conflist, in order (CNI specification 1.1, section 1).</summary>
public sealed record CniNetwork(string Name, string Version, string File, IReadOnlyList<JsonObject> Plugins)
{
    private const int SizeLimit = 1 << 20;
    private static readonly Version _status = new(1, 1, 0);

    /// <summary>The newest version of the specification that is spoken here.</summary>
    private static readonly Version _newest = new(1, 1, 0);

    private static readonly JsonDocumentOptions _strict = new() { MaxDepth = 32, CommentHandling = JsonCommentHandling.Skip };

    /// <summary>Whether its plugins can be asked for their STATUS.</summary>
    public bool HasStatus => System.Version.TryParse(Version, out var version) && version >= _status;

    /// <summary>Reads a .conflist, or a .conf of one plugin.</summary>
    /// <exception cref="InvalidRequestException">It is no such thing; the message says where it fails.</exception>
    public static CniNetwork Parse(string text, string file)
    {
        if (text.Length > SizeLimit)
            throw new InvalidRequestException($"{file} is longer than {SizeLimit} bytes");
        try
        {
            var root = JsonNode.Parse(text, null, _strict) as JsonObject ?? throw new InvalidRequestException($"{file} is no JSON object");
            var name = (string?)root["name"] ?? throw new InvalidRequestException($"{file} has no name");
            var plugins = root["plugins"] is JsonArray list ? list.OfType<JsonObject>().ToList() : [root];
            if (plugins.Count == 0 || plugins.Any(plugin => !IsProgramName((string?)plugin["type"])))
                throw new InvalidRequestException($"{file} has a plugin without a type that names a program");
            return new CniNetwork(name, VersionOf(root), file, plugins);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidRequestException($"{file} is not valid: {e.Message}", e);
        }
    }

    /// <summary>The configuration that one of its plugins is given on its standard input (section 4, "Deriving execution configuration"), before what is about a pod.</summary>
    public JsonObject Request(JsonObject plugin)
    {
        var request = (JsonObject)plugin.DeepClone();
        request["cniVersion"] = Version;
        request["name"] = Name;
        request.Remove("capabilities");
        return request;
    }

    /// <summary>The first valid file of the directory, in the order of names; null where there is none.</summary>
    /// <param name="directory">The configuration's directory.</param>
    /// <param name="problem">Why there is none.</param>
    public static CniNetwork? Find(string directory, out string problem)
    {
        problem = $"no network configuration (*.conflist, *.conf, *.json) in {directory}";
        if (!Directory.Exists(directory))
            return null;
        foreach (var file in Directory.EnumerateFiles(directory).Where(IsConfiguration).Order(StringComparer.Ordinal))
        {
            try
            {
                return Parse(System.IO.File.ReadAllText(file), file);
            }
            catch (Exception e) when (e is InvalidRequestException or IOException)
            {
                problem = e.Message;
            }
        }
        return null;
    }

    /// <summary>The newest of the versions that the configuration is good for, where it names several.</summary>
    private static string VersionOf(JsonObject root)
    {
        var one = (string?)root["cniVersion"] ?? "0.2.0";
        return (root["cniVersions"] as JsonArray ?? []).Select(version => (string?)version ?? "").Append(one)
            .Where(text => System.Version.TryParse(text, out var version) && version <= _newest).MaxBy(System.Version.Parse) ?? one;
    }

    private static bool IsConfiguration(string file) => Path.GetExtension(file) is ".conflist" or ".conf" or ".json";

    private static bool IsProgramName(string? type) => type is { Length: > 0 } && !type.Contains('/') && type is not ("." or "..");
}
