using System.Text.Json;
using System.Text.Json.Nodes;
using Gantry.Faults;
using Gantry.Images.Manifests;

namespace Gantry.Images.Store;

/// <summary>An entry of a layout's index.</summary>
/// <param name="Document">An index or a manifest.</param>
/// <param name="Name">Empty where it has none.</param>
internal sealed record LayoutEntry(Descriptor Document, string Name, bool Pinned, string Trust)
{
    public bool Private { get; init; }
}

/// <summary>The two documents at the top of an OCI image layout (image specification, "image-layout.md").</summary>
internal static class ImageLayout
{
    public const string VersionFile = "oci-layout";
    public const string IndexFile = "index.json";
    public const string Version = """{"imageLayoutVersion":"1.0.0"}""";
    private const string ReferenceAnnotation = "org.opencontainers.image.ref.name";

    /// <summary>By which containerd's tools know an image's full name.</summary>
    private const string NameAnnotation = "io.containerd.image.name";

    private const string PinnedAnnotation = "dev.gantry.pinned";
    private const string PrivateAnnotation = "dev.gantry.private";
    private const string TrustAnnotation = "dev.gantry.trust";

    /// <summary>The entries of an index.json.</summary>
    /// <exception cref="CorruptContentException">It is none.</exception>
    public static IReadOnlyList<LayoutEntry> Read(byte[] json, string subject)
    {
        var entries = new List<LayoutEntry>();
        foreach (var entry in ManifestReader.ReadIndex(json, subject))
        {
            var annotations = entry.Annotations;
            var name = annotations.GetValueOrDefault(NameAnnotation) ?? annotations.GetValueOrDefault(ReferenceAnnotation) ?? "";
            entries.Add(new LayoutEntry(entry.Descriptor, name, annotations.ContainsKey(PinnedAnnotation), annotations.GetValueOrDefault(TrustAnnotation) ?? "") { Private = annotations.ContainsKey(PrivateAnnotation) });
        }
        return entries;
    }

    /// <summary>An index.json of these images: an entry for each of their names.</summary>
    public static byte[] Write(IEnumerable<ImageRecord> images, IEnumerable<LayoutEntry> others)
    {
        var manifests = new JsonArray();
        foreach (var entry in images.SelectMany(EntriesOf).Concat(others))
        {
            var annotations = new JsonObject();
            if (entry.Name.Length > 0)
            {
                annotations[ReferenceAnnotation] = entry.Name;
                annotations[NameAnnotation] = entry.Name;
            }
            if (entry.Pinned)
                annotations[PinnedAnnotation] = "true";
            if (entry.Private)
                annotations[PrivateAnnotation] = "true";
            if (entry.Trust.Length > 0)
                annotations[TrustAnnotation] = entry.Trust;
            manifests.Add((JsonNode)new JsonObject
            {
                ["mediaType"] = entry.Document.MediaType,
                ["digest"] = entry.Document.Digest.Value,
                ["size"] = entry.Document.Size,
                ["annotations"] = annotations,
            });
        }
        var index = new JsonObject { ["schemaVersion"] = 2, ["mediaType"] = ManifestReader.IndexType, ["manifests"] = manifests };
        return JsonBytes.Of(index);
    }

    private static IEnumerable<LayoutEntry> EntriesOf(ImageRecord image)
    {
        foreach (var name in image.Names)
            yield return new LayoutEntry(DocumentOf(image, name.Target), name.Text, image.Pinned, image.Trust) { Private = image.Private };
        if (image.Names.Count == 0)
            yield return new LayoutEntry(DocumentOf(image, image.ManifestDigest), "", image.Pinned, image.Trust) { Private = image.Private };
    }

    private static Descriptor DocumentOf(ImageRecord image, Identity.Digest target) =>
        image.Documents.FirstOrDefault(document => document.Digest == target) ?? image.Documents[0];
}

/// <summary>JSON as bytes, without a string in between.</summary>
internal static class JsonBytes
{
    public static byte[] Of(JsonNode node)
    {
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes))
            node.WriteTo(writer);
        return bytes.ToArray();
    }
}
