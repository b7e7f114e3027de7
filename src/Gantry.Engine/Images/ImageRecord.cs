using Gantry.Identity;
using Gantry.Images.Manifests;

namespace Gantry.Images;

/// <summary>An image of this node: verified, unpacked and durable.</summary>
public sealed record ImageRecord
{
    /// <summary>The digest of its configuration: what the kubelet compares.</summary>
    public required Digest Id { get; init; }

    public required Digest ManifestDigest { get; init; }

    /// <summary>Full names, as docker.io/library/nginx:1.19.10.</summary>
    public required IReadOnlyList<string> Tags { get; init; }

    /// <summary>Full names with the digest that the registry was asked by, as docker.io/library/nginx@sha256:….</summary>
    public required IReadOnlyList<string> RepoDigests { get; init; }

    /// <summary>Compressed bytes of its layers, with manifest and configuration.</summary>
    public required long Size { get; init; }

    public required ImageConfig Config { get; init; }

    /// <summary>Lowest first.</summary>
    public required IReadOnlyList<Digest> ChainIds { get; init; }

    /// <summary>Every blob that belongs to it: index, manifest, configuration, layers.</summary>
    public required IReadOnlyList<Digest> Blobs { get; init; }

    public bool Pinned { get; init; }
}
