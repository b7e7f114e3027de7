using Gantry.Oci.Spec;

namespace Gantry.Containers.Cdi;

/// <summary>What a device changes of a container (Container Device Interface, "containerEdits").</summary>
public sealed record CdiEdits
{
    /// <summary>NAME=value.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];

    public IReadOnlyList<CdiDeviceNode> DeviceNodes { get; init; } = [];

    public IReadOnlyList<OciMount> Mounts { get; init; } = [];

    public IReadOnlyList<CdiHook> Hooks { get; init; } = [];

    public IReadOnlyList<uint> AdditionalGroups { get; init; } = [];

    public OciIntelRdt? IntelRdt { get; init; }

    /// <summary>These, then the other's; of RDT classes the later one counts.</summary>
    public CdiEdits And(CdiEdits other) => new()
    {
        Environment = [.. Environment, .. other.Environment],
        DeviceNodes = [.. DeviceNodes, .. other.DeviceNodes],
        Mounts = [.. Mounts, .. other.Mounts],
        Hooks = [.. Hooks, .. other.Hooks],
        AdditionalGroups = [.. AdditionalGroups.Concat(other.AdditionalGroups).Distinct()],
        IntelRdt = other.IntelRdt ?? IntelRdt,
    };
}

/// <summary>A device node; what is null is read from the node's own.</summary>
/// <param name="Path">In the container.</param>
public sealed record CdiDeviceNode(string Path)
{
    /// <summary>On the node; empty for the same path.</summary>
    public string HostPath { get; init; } = "";

    /// <summary>"b", "c", "u" or "p".</summary>
    public string? Type { get; init; }

    public long? Major { get; init; }

    public long? Minor { get; init; }

    public uint? FileMode { get; init; }

    /// <summary>A part of "rwm"; empty for all.</summary>
    public string Permissions { get; init; } = "";

    public uint? Uid { get; init; }

    public uint? Gid { get; init; }
}

/// <summary>A program that the OCI runtime runs.</summary>
/// <param name="Name">"createRuntime" and so on, as the runtime specification has them.</param>
public sealed record CdiHook(string Name, OciHook Hook);
