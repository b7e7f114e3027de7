using System.Text.Json;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Images.Unpacking;

namespace Gantry.Images.Manifests;

/// <summary>A blob, as a manifest names it.</summary>
public sealed record Descriptor(string MediaType, Digest Digest, long Size);

/// <summary>Something that refers to an image: a signature, an attestation (distribution specification, "Listing Referrers").</summary>
public sealed record Artifact(string Type, IReadOnlyList<Descriptor> Layers, IReadOnlyList<IReadOnlyDictionary<string, string>> LayerAnnotations);

/// <summary>One image of one platform.</summary>
public sealed record Manifest(Descriptor Config, IReadOnlyList<LayerDescriptor> Layers);

/// <summary>An entry of an index.</summary>
public sealed record IndexEntry(Descriptor Descriptor, string Os, string Architecture, string Variant)
{
    public string ArtifactType { get; init; } = "";

    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();
}

/// <summary>
/// Reads manifests, indexes and configurations, which are a stranger's bytes: bounded in size and depth, no key twice, one
/// meaning for one digest.
/// </summary>
public static class ManifestReader
{
    public const int SizeLimit = 4 << 20;
    public const string IndexType = "application/vnd.oci.image.index.v1+json";
    public const string ManifestType = "application/vnd.oci.image.manifest.v1+json";
    private static readonly JsonDocumentOptions _strict = new() { MaxDepth = 64, AllowDuplicateProperties = false };

    /// <summary>Readers of other languages take a key in any case: then "Layers" beside "layers" would be two meanings.</summary>
    private static readonly string[] _knownKeys =
        ["schemaVersion", "mediaType", "config", "layers", "manifests", "digest", "size", "urls", "platform", "subject", "artifactType", "annotations", "data"];

    private static readonly string[] _indexTypes =
        [IndexType, "application/vnd.docker.distribution.manifest.list.v2+json"];

    private static readonly string[] _manifestTypes =
        [ManifestType, "application/vnd.docker.distribution.manifest.v2+json"];

    /// <summary>What a client asks a registry for.</summary>
    public static IEnumerable<string> AcceptedTypes => _indexTypes.Concat(_manifestTypes);

    public static bool IsIndex(string mediaType) => _indexTypes.Contains(mediaType);

    /// <summary>The media type of a document: its own, or else the header's; where both are given they agree.</summary>
    /// <exception cref="CorruptContentException">It is none that can be run, or it contradicts itself.</exception>
    public static string MediaTypeOf(byte[] document, string header, string subject)
    {
        using var json = Parse(document, subject);
        var root = json.RootElement;
        CheckKeys(root, subject);
        if (root.TryGetProperty("schemaVersion", out var version) && version.ValueKind is JsonValueKind.Number && version.TryGetInt32(out var number) && number == 1)
            throw new CorruptContentException($"{subject} is of the old schema 1, which nobody should serve any more: push the image again with a current tool");
        var own = Text(root, "mediaType");
        if (own.Length > 0 && header.Length > 0 && own != header && (_indexTypes.Contains(header) || _manifestTypes.Contains(header)))
            throw new CorruptContentException($"{subject} says that it is {own}, and the registry that it is {header}: the image is refused");
        var type = own.Length > 0 ? own : header;
        var hasManifests = root.TryGetProperty("manifests", out _);
        var hasLayers = root.TryGetProperty("layers", out _) || root.TryGetProperty("config", out _);
        if (hasManifests && hasLayers)
            throw new CorruptContentException($"{subject} is an index and a manifest at once: the image is refused");
        if (!_indexTypes.Contains(type) && !_manifestTypes.Contains(type))
            type = hasManifests ? _indexTypes[0] : hasLayers ? _manifestTypes[0] : throw new CorruptContentException($"{subject} is of type '{type}', which is no image");
        return IsIndex(type) == hasManifests ? type : throw new CorruptContentException($"{subject} is not what its type {type} says");
    }

    /// <exception cref="CorruptContentException">It is no manifest of an image that can be run.</exception>
    /// <param name="mostLayers">How many layers are allowed.</param>
    public static Manifest ReadManifest(byte[] document, int mostLayers, string subject)
    {
        using var json = Parse(document, subject);
        var root = json.RootElement;
        var config = ReadDescriptor(Member(root, "config", subject), subject);
        if (config.MediaType is not ("application/vnd.oci.image.config.v1+json" or "application/vnd.docker.container.image.v1+json"))
            throw new CorruptContentException($"{subject} has a config of type {config.MediaType}: it is an artifact, and no image to run");
        var layers = Items(root, "layers", subject).Select(layer => ReadLayer(layer, subject)).ToList();
        return layers.Count > 0 && layers.Count <= mostLayers
            ? new Manifest(config, layers)
            : throw new CorruptContentException($"{subject} has {layers.Count} layers, where 1 to {mostLayers} are allowed");
    }

    /// <exception cref="CorruptContentException">It is no index.</exception>
    public static IReadOnlyList<IndexEntry> ReadIndex(byte[] document, string subject)
    {
        using var json = Parse(document, subject);
        var entries = new List<IndexEntry>();
        foreach (var item in Items(json.RootElement, "manifests", subject))
        {
            var platform = item.TryGetProperty("platform", out var given) && given.ValueKind is JsonValueKind.Object ? given : default;
            var isKnown = platform.ValueKind is JsonValueKind.Object;
            entries.Add(new IndexEntry(
                ReadDescriptor(item, subject), isKnown ? Text(platform, "os") : "", isKnown ? Text(platform, "architecture") : "", isKnown ? Text(platform, "variant") : "")
            {
                ArtifactType = Text(item, "artifactType"),
                Annotations = Map(item, "annotations"),
            });
        }
        return entries;
    }

    /// <exception cref="CorruptContentException">It is no configuration, or has not as many diff ids as there are layers.</exception>
    public static ImageConfig ReadConfig(byte[] document, int layers, string subject)
    {
        using var json = Parse(document, subject);
        var root = json.RootElement;
        var config = root.TryGetProperty("config", out var given) && given.ValueKind is JsonValueKind.Object ? given : default;
        var diffIds = Items(Member(root, "rootfs", subject), "diff_ids", subject).Select(item => ParseDigest(item.ValueKind is JsonValueKind.String ? item.GetString() : null, subject)).ToList();
        if (diffIds.Count != layers)
            throw new CorruptContentException($"{subject} has {diffIds.Count} diff ids for {layers} layers: the image is damaged, push it again");
        return new ImageConfig
        {
            User = Text(config, "User"),
            Env = Texts(config, "Env"),
            Entrypoint = Texts(config, "Entrypoint"),
            Command = Texts(config, "Cmd"),
            WorkingDirectory = Text(config, "WorkingDir"),
            Volumes = Keys(config, "Volumes"),
            Labels = Map(config, "Labels"),
            StopSignal = Text(config, "StopSignal") is { Length: > 0 } signal ? signal : null,
            Architecture = Text(root, "architecture"),
            Os = Text(root, "os"),
            DiffIds = diffIds,
        };
    }

    /// <summary>Reads a manifest of something that is no image.</summary>
    /// <exception cref="CorruptContentException">It is no manifest at all.</exception>
    public static Artifact ReadArtifact(byte[] document, string subject)
    {
        using var json = Parse(document, subject);
        var root = json.RootElement;
        var layers = Items(root, "layers", subject).ToList();
        var type = Text(root, "artifactType") is { Length: > 0 } own ? own : root.TryGetProperty("config", out var config) && config.ValueKind is JsonValueKind.Object ? Text(config, "mediaType") : "";
        return new Artifact(type, [.. layers.Select(layer => ReadDescriptor(layer, subject))], [.. layers.Select(layer => Map(layer, "annotations"))]);
    }

    private static void CheckKeys(JsonElement item, string subject)
    {
        foreach (var property in item.EnumerateObject())
        {
            if (_knownKeys.FirstOrDefault(key => key.Equals(property.Name, StringComparison.OrdinalIgnoreCase)) is { } known && known != property.Name)
                throw new CorruptContentException($"{subject} has a key '{property.Name}', which some readers take for '{known}': the image is refused");
        }
    }

    private static JsonDocument Parse(byte[] document, string subject)
    {
        if (document.Length > SizeLimit)
            throw new CorruptContentException($"{subject} is longer than {SizeLimit} bytes");
        try
        {
            var json = JsonDocument.Parse(document, _strict);
            return json.RootElement.ValueKind is JsonValueKind.Object ? json : throw new CorruptContentException($"{subject} is no JSON object");
        }
        catch (JsonException e)
        {
            throw new CorruptContentException($"{subject} is not valid JSON: {e.Message}", e);
        }
    }

    private static LayerDescriptor ReadLayer(JsonElement item, string subject)
    {
        var descriptor = ReadDescriptor(item, subject);
        if (descriptor.MediaType.Contains("nondistributable", StringComparison.Ordinal) || descriptor.MediaType.Contains("foreign", StringComparison.Ordinal))
            throw new CorruptContentException($"{subject} has a foreign layer ({descriptor.MediaType}), which is fetched from elsewhere: such images are refused");
        var compression = descriptor.MediaType switch
        {
            "application/vnd.oci.image.layer.v1.tar+gzip" or "application/vnd.docker.image.rootfs.diff.tar.gzip" => LayerCompression.Gzip,
            "application/vnd.oci.image.layer.v1.tar+zstd" or "application/vnd.docker.image.rootfs.diff.tar.zstd" => LayerCompression.Zstd,
            "application/vnd.oci.image.layer.v1.tar" or "application/vnd.docker.image.rootfs.diff.tar" => LayerCompression.None,
            var type => throw new CorruptContentException($"{subject} has a layer of type {type}, which is no layer of an image to run"),
        };
        return new LayerDescriptor(descriptor.Digest, descriptor.Size, compression);
    }

    private static Descriptor ReadDescriptor(JsonElement item, string subject)
    {
        if (item.ValueKind is not JsonValueKind.Object)
            throw new CorruptContentException($"{subject} has a descriptor that is no object");
        CheckKeys(item, subject);
        var hasSize = item.TryGetProperty("size", out var size) && size.ValueKind is JsonValueKind.Number && size.TryGetInt64(out var bytes) && bytes >= 0;
        return hasSize
            ? new Descriptor(Text(item, "mediaType"), ParseDigest(Text(item, "digest"), subject), size.GetInt64())
            : throw new CorruptContentException($"{subject} has a descriptor without a size");
    }

    private static Digest ParseDigest(string? text, string subject) => Digest.TryParse(text, out var digest)
        ? digest
        : throw new CorruptContentException($"{subject} has a digest that is none: '{text}'");

    private static JsonElement Member(JsonElement item, string name, string subject) =>
        item.TryGetProperty(name, out var member) && member.ValueKind is JsonValueKind.Object ? member : throw new CorruptContentException($"{subject} has no {name}");

    private static JsonElement.ArrayEnumerator Items(JsonElement item, string name, string subject) =>
        item.TryGetProperty(name, out var member) && member.ValueKind is JsonValueKind.Array ? member.EnumerateArray() : throw new CorruptContentException($"{subject} has no list of {name}");

    private static string Text(JsonElement item, string name) =>
        item.ValueKind is JsonValueKind.Object && item.TryGetProperty(name, out var member) && member.ValueKind is JsonValueKind.String ? member.GetString()! : "";

    private static List<string> Texts(JsonElement item, string name) => item.ValueKind is JsonValueKind.Object && item.TryGetProperty(name, out var member) && member.ValueKind is JsonValueKind.Array
        ? [.. member.EnumerateArray().Where(text => text.ValueKind is JsonValueKind.String).Select(text => text.GetString()!)]
        : [];

    private static List<string> Keys(JsonElement item, string name) =>
        item.ValueKind is JsonValueKind.Object && item.TryGetProperty(name, out var member) && member.ValueKind is JsonValueKind.Object ? [.. member.EnumerateObject().Select(field => field.Name)] : [];

    private static Dictionary<string, string> Map(JsonElement item, string name) => item.ValueKind is JsonValueKind.Object && item.TryGetProperty(name, out var member) && member.ValueKind is JsonValueKind.Object
        ? member.EnumerateObject().Where(field => field.Value.ValueKind is JsonValueKind.String).ToDictionary(field => field.Name, field => field.Value.GetString()!)
        : [];
}
