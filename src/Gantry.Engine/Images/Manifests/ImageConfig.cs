using Gantry.Identity;

namespace Gantry.Images.Manifests;

/// <summary>What an image's configuration says (image specification, "config.md"); null and missing lists are empty.</summary>
public sealed record ImageConfig
{
    /// <summary>A uid or name, with a gid or group behind a colon; empty for root.</summary>
    public string User { get; init; } = "";

    public IReadOnlyList<string> Env { get; init; } = [];

    public IReadOnlyList<string> Entrypoint { get; init; } = [];

    public IReadOnlyList<string> Command { get; init; } = [];

    public string WorkingDirectory { get; init; } = "";

    public IReadOnlyList<string> Volumes { get; init; } = [];

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    public string? StopSignal { get; init; }

    public string Architecture { get; init; } = "";

    public string Os { get; init; } = "";

    /// <summary>Of the decompressed layers, lowest first.</summary>
    public IReadOnlyList<Digest> DiffIds { get; init; } = [];
}
