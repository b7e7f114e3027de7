using Gantry.Cgroups;
using Gantry.Linux.Namespaces;

namespace Gantry.Containers;

/// <summary>What a container was asked to be: the CRI's ContainerConfig, checked once at the edge and never changed after.</summary>
public sealed record ContainerSpec
{
    /// <summary>Unique in its pod together with <see cref="Attempt"/>.</summary>
    public required string Name { get; init; }

    public uint Attempt { get; init; }

    public required ImageSource Image { get; init; }

    /// <summary>Replaces the image's entrypoint and drops its command.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    /// <summary>Replaces the image's command.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Empty for the image's own, or "/".</summary>
    public string WorkingDirectory { get; init; } = "";

    public IReadOnlyList<EnvironmentVariable> Environment { get; init; } = [];

    public IReadOnlyList<MountSpec> Mounts { get; init; } = [];

    public IReadOnlyList<DeviceSpec> Devices { get; init; } = [];

    /// <summary>Qualified names of the Container Device Interface, as "vendor.com/class=name".</summary>
    public IReadOnlyList<string> CdiDevices { get; init; } = [];

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();

    /// <summary>Below the pod's log directory; empty for no log.</summary>
    public string LogPath { get; init; } = "";

    public bool Stdin { get; init; }

    /// <summary>Close the container's input when the first attached client is gone.</summary>
    public bool StdinOnce { get; init; }

    public bool Terminal { get; init; }

    public LinuxResources Resources { get; init; } = LinuxResources.None;

    public ContainerSecurity Security { get; init; } = new();

    /// <summary>As "SIGUSR1"; null for the image's own or SIGTERM.</summary>
    public string? StopSignal { get; init; }
}

/// <summary>The image that a container or volume names, with everything of the CRI's ImageSpec, since statuses return it.</summary>
/// <param name="Reference">An image id or reference.</param>
public sealed record ImageSource(string Reference)
{
    public string UserSpecified { get; init; } = "";

    public string RuntimeHandler { get; init; } = "";

    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();
}

/// <summary>An environment variable; the value is bytes, since Linux asks for no encoding.</summary>
public sealed record EnvironmentVariable(string Name, byte[] Value);

public enum MountPropagation
{
    Private = 0,
    HostToContainer = 1,
    Bidirectional = 2,
}

/// <summary>A bind mount or image volume. Statuses return it exactly as it was asked for.</summary>
/// <param name="ContainerPath">Where it appears in the container.</param>
/// <param name="HostPath">What appears there; empty for an image volume.</param>
public sealed record MountSpec(string ContainerPath, string HostPath)
{
    public bool ReadOnly { get; init; }

    public bool RecursiveReadOnly { get; init; }

    public bool SelinuxRelabel { get; init; }

    public MountPropagation Propagation { get; init; }

    public IReadOnlyList<IdMapping> UidMappings { get; init; } = [];

    public IReadOnlyList<IdMapping> GidMappings { get; init; } = [];

    /// <summary>The image that is mounted instead of a host path.</summary>
    public ImageSource? Image { get; init; }

    public string ImageSubPath { get; init; } = "";

    public IReadOnlyList<string> Options { get; init; } = [];
}

/// <summary>A device of the host.</summary>
/// <param name="ContainerPath">Its path in the container.</param>
/// <param name="HostPath">A device, or a directory of which all devices are meant.</param>
/// <param name="Permissions">A part of "rwm".</param>
public sealed record DeviceSpec(string ContainerPath, string HostPath, string Permissions);
