using Gantry.Faults;
using Gantry.Identity;
using Gantry.Snapshots;

namespace Gantry.Images.Manifests;

/// <summary>A document of an image and its bytes.</summary>
internal sealed record ImageDocument(Descriptor Descriptor, byte[] Content);

/// <summary>An image followed from the document that its name means to this platform's configuration.</summary>
/// <param name="Documents">Indexes, the first one first, and the manifest.</param>
internal sealed record ResolvedImage(IReadOnlyList<ImageDocument> Documents, Manifest Manifest, byte[] ConfigContent, ImageConfig Config, IReadOnlyList<Digest> ChainIds)
{
    /// <summary>Indexes may hold indexes, but no real image goes deeper.</summary>
    private const int MostIndexes = 3;

    public ImageDocument ManifestDocument => Documents[^1];

    /// <summary>Follows an image down.</summary>
    /// <param name="media">What the server called the top; empty where there was none.</param>
    /// <param name="fetchDocument">Fetches a manifest or index; the digest is the callee's to verify.</param>
    /// <param name="fetchConfig">Fetches a configuration, likewise.</param>
    /// <exception cref="CorruptContentException">A document is not what it should be.</exception>
    /// <exception cref="NotFoundException">The image is not made for this node.</exception>
    public static async Task<ResolvedImage> FollowAsync(
        byte[] top, Digest topDigest, string media, Func<Descriptor, Task<byte[]>> fetchDocument, Func<Descriptor, Task<byte[]>> fetchConfig,
        ImageLimits limits, string subject)
    {
        var documents = new List<ImageDocument> { new(new Descriptor(ManifestReader.MediaTypeOf(top, media, subject), topDigest, top.Length), top) };
        while (ManifestReader.IsIndex(documents[^1].Descriptor.MediaType))
        {
            if (documents.Count > MostIndexes)
                throw new CorruptContentException($"{subject} is an index of an index of an index, and so on: more than {MostIndexes} are refused");
            var chosen = HostPlatform.Own.Choose(ManifestReader.ReadIndex(documents[^1].Content, subject), subject);
            var content = await fetchDocument(chosen);
            if (content.Length != chosen.Size)
                throw new CorruptContentException($"manifest {chosen.Digest} of {subject} has {content.Length} bytes, where the index says {chosen.Size}");
            // What the parent calls it counts as much as what it says itself.
            documents.Add(new ImageDocument(chosen with { MediaType = ManifestReader.MediaTypeOf(content, chosen.MediaType, $"manifest {chosen.Digest.Short} of {subject}") }, content));
        }
        var manifest = ManifestReader.ReadManifest(documents[^1].Content, limits.MaxLayers, $"manifest {documents[^1].Descriptor.Digest.Short} of {subject}");
        var configContent = await fetchConfig(manifest.Config);
        var config = ManifestReader.ReadConfig(configContent, manifest.Layers.Count, $"config {manifest.Config.Digest.Short} of {subject}");
        return new ResolvedImage(documents, manifest, configContent, config, ChainId.Of(config.DiffIds));
    }

    /// <summary>The record of this image under these names.</summary>
    public ImageRecord ToRecord(IReadOnlyList<ImageName> names, bool pinned, string trust) => new()
    {
        Id = Manifest.Config.Digest,
        ManifestDigest = ManifestDocument.Descriptor.Digest,
        Names = names,
        Documents = [.. Documents.Select(document => document.Descriptor)],
        ConfigBlob = Manifest.Config,
        Layers = Manifest.Layers,
        Config = Config,
        ChainIds = ChainIds,
        Pinned = pinned,
        Trust = trust,
    };
}
