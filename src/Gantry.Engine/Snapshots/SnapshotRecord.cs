using System.Text.Json.Serialization;
using Gantry.Identity;

namespace Gantry.Snapshots;

/// <summary>What a layer's tree takes on disk.</summary>
public readonly record struct SnapshotUsage(long Bytes, long Inodes);

/// <summary>The file beside a committed tree.</summary>
internal sealed record SnapshotRecord
{
    public int Version { get; init; } = 1;

    /// <summary>The chain id of the layers below; null for the lowest.</summary>
    public Digest? Parent { get; init; }

    public long Bytes { get; init; }

    public long Inodes { get; init; }

    /// <summary>The boot in which it was written: after another one, only a flush before tells that its files are whole.</summary>
    public required string BootId { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(SnapshotRecord))]
internal sealed partial class SnapshotJson : JsonSerializerContext;
