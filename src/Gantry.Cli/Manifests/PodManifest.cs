using System.Text;
using System.Text.Json.Nodes;
using Gantry.Yaml;

namespace Gantry.Cli.Manifests;

/// <summary>A v1/Pod as the daemon takes it: JSON. Its fields are the daemon's to check; here only what it is.</summary>
internal sealed record PodManifest(string Name, byte[] Json)
{
    private const int MaxBytes = 4 << 20;

    /// <param name="path">A file, or "-" for <paramref name="input"/>.</param>
    public static PodManifest Read(string path, TextReader input)
    {
        var source = path == "-" ? "standard input" : path;
        var text = path == "-" ? ReadAll(input, source) : ReadFile(path);
        try
        {
            return Choose(YamlReader.Read(new StringReader(text)), source);
        }
        catch (YamlFormatException failure)
        {
            throw CommandException.Usage($"{source}:{failure.Message}");
        }
    }

    private static PodManifest Choose(IReadOnlyList<JsonNode> documents, string source)
    {
        var pods = documents.Where(document => KindOf(document) == "Pod").ToList();
        if (pods.Count == 1)
            return Check((JsonObject)pods[0], source);
        if (pods.Count > 1)
            throw CommandException.Usage($"{source} holds {pods.Count} pods, and gantry runs one at a time: put each in a file of its own.");
        throw CommandException.Usage(documents.Count == 0 ? $"{source} is empty; gantry runs a v1/Pod." : NoPod(documents[0], source));
    }

    private static string NoPod(JsonNode document, string source) => KindOf(document) switch
    {
        "" => $"{source} has no 'kind'; gantry runs a v1/Pod (apiVersion: v1, kind: Pod).",
        "List" => $"{source} is a List; gantry runs one v1/Pod: take the pod out of its items.",
        "Deployment" or "StatefulSet" or "DaemonSet" or "ReplicaSet" or "Job" or "CronJob" =>
            $"{source} is a {KindOf(document)}, which needs a cluster; gantry runs a v1/Pod: take spec.template out, add apiVersion: v1, kind: Pod and a name.",
        var kind => $"{source} is a {kind}; gantry runs a v1/Pod.",
    };

    private static PodManifest Check(JsonObject pod, string source)
    {
        if (TextOf(pod, "apiVersion") is not "v1" and var version)
            throw CommandException.Usage($"{source}: apiVersion is '{version}', and a Pod's is 'v1'.");
        var name = pod["metadata"] is JsonObject metadata ? TextOf(metadata, "name") : "";
        if (name.Length == 0)
            throw CommandException.Usage($"{source}: metadata.name is missing; a pod needs a name (gantry makes none from generateName).");
        return new PodManifest(name, Encoding.UTF8.GetBytes(pod.ToJsonString()));
    }

    private static string KindOf(JsonNode document) => document is JsonObject map ? TextOf(map, "kind") : "";

    private static string TextOf(JsonObject map, string key) =>
        map[key] is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";

    private static string ReadFile(string path)
    {
        try
        {
            using var reader = new StreamReader(path, Encoding.UTF8);
            return ReadAll(reader, path);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            throw CommandException.Usage($"{path}: no such file.");
        }
        catch (Exception failure) when (failure is UnauthorizedAccessException or IOException)
        {
            throw CommandException.Failed($"{path}: cannot be read: {failure.Message}", failure);
        }
    }

    private static string ReadAll(TextReader reader, string source)
    {
        var buffer = new char[MaxBytes + 1];
        var length = reader.ReadBlock(buffer, 0, buffer.Length);
        return length <= MaxBytes
            ? new string(buffer, 0, length)
            : throw CommandException.Usage($"{source} is larger than 4 MiB; this is no pod manifest.");
    }
}
