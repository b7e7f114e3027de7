using Gantry.Identity;
using Gantry.Images.Manifests;
using Gantry.Images.Unpacking;

namespace Gantry.Images;

/// <summary>A name of an image, and the document that it means.</summary>
/// <param name="Text">In full, as docker.io/library/nginx:1.19.10 or docker.io/library/nginx@sha256:….</param>
/// <param name="Target">The index or manifest that the registry gave for it.</param>
public readonly record struct ImageName(string Text, Digest Target)
{
    public bool IsDigest => Text.Contains('@', StringComparison.Ordinal);
}

/// <summary>An image of this node: verified, unpacked and durable.</summary>
public sealed record ImageRecord
{
    /// <summary>The digest of its configuration: what the kubelet compares.</summary>
    public required Digest Id { get; init; }

    /// <summary>Of this platform's manifest.</summary>
    public required Digest ManifestDigest { get; init; }

    /// <summary>Tags and digests; empty for an image that lost its last name to another.</summary>
    public required IReadOnlyList<ImageName> Names { get; init; }

    /// <summary>Indexes and manifests that its names lead through: media type, digest and size.</summary>
    public required IReadOnlyList<Descriptor> Documents { get; init; }

    public required Descriptor ConfigBlob { get; init; }

    /// <summary>Lowest first, as the manifest has them.</summary>
    public required IReadOnlyList<LayerDescriptor> Layers { get; init; }

    public required ImageConfig Config { get; init; }

    /// <summary>Lowest first.</summary>
    public required IReadOnlyList<Digest> ChainIds { get; init; }

    /// <summary>Never collected: imported for an air-gapped node, or pinned by hand.</summary>
    public bool Pinned { get; init; }

    /// <summary>Pulled with credentials: others may have no right to it.</summary>
    public bool Private { get; init; }

    /// <summary>How its signature was checked when it was pulled; empty where nothing asked for one.</summary>
    public string Trust { get; init; } = "";

    /// <summary>Full names, as docker.io/library/nginx:1.19.10.</summary>
    public IReadOnlyList<string> Tags => [.. Names.Where(name => !name.IsDigest).Select(name => name.Text)];

    /// <summary>Full names with the digest that the registry was asked by, as docker.io/library/nginx@sha256:….</summary>
    public IReadOnlyList<string> RepoDigests => [.. Names.Where(name => name.IsDigest).Select(name => name.Text)];

    /// <summary>Compressed bytes of its layers, with manifest and configuration.</summary>
    public long Size => Layers.Sum(layer => layer.Size) + ConfigBlob.Size + (Documents.FirstOrDefault(document => document.Digest == ManifestDigest)?.Size ?? 0);

    /// <summary>Every blob that belongs to it, and its size: indexes, manifests, configuration, layers.</summary>
    public IEnumerable<(Digest Digest, long Size)> Blobs =>
        Documents.Append(ConfigBlob).Select(document => (document.Digest, document.Size)).Concat(Layers.Select(layer => (layer.Digest, layer.Size))).Distinct();

    /// <summary>All that must not be deleted while it is used.</summary>
    public IEnumerable<Digest> Contents => ChainIds.Concat(Blobs.Select(blob => blob.Digest));

    /// <summary>The same image under more names.</summary>
    internal ImageRecord Merged(ImageRecord added) => this with
    {
        // In their old order: a pull of a name that is known already changes nothing.
        Names = [.. Names.Select(name => Same(added.Names, name)), .. added.Names.Where(name => !Names.Any(other => other.Text == name.Text))],
        Documents = [.. Documents.UnionBy(added.Documents, document => document.Digest)],
        Layers = added.Layers,
        ManifestDigest = added.ManifestDigest,
        Pinned = Pinned || added.Pinned,
        Trust = added.Trust,
        // Who could pull it without credentials has shown that anybody can.
        Private = Private && added.Private,
    };

    private static ImageName Same(IReadOnlyList<ImageName> names, ImageName name) =>
        names.Where(other => other.Text == name.Text).DefaultIfEmpty(name).First();
}
