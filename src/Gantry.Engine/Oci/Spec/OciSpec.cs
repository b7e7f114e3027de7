using System.Text.Json.Serialization;

namespace Gantry.Oci.Spec;

/// <summary>A container's configuration by the OCI runtime specification 1.0.2: what config.json of a bundle holds.</summary>
public sealed record OciSpec
{
    public string OciVersion { get; init; } = "1.0.2";

    public required OciProcess Process { get; init; }

    public required OciRoot Root { get; init; }

    public string? Hostname { get; init; }

    public IReadOnlyList<OciMount> Mounts { get; init; } = [];

    public OciHooks? Hooks { get; init; }

    public IReadOnlyDictionary<string, string>? Annotations { get; init; }

    public required OciLinux Linux { get; init; }
}

public sealed record OciRoot(string Path, bool Readonly);

public sealed record OciMount(string Destination, string Type, string Source, IReadOnlyList<string> Options);

/// <summary>Programs that the runtime runs at points of a container's life.</summary>
public sealed record OciHooks
{
    public IReadOnlyList<OciHook>? Prestart { get; init; }

    public IReadOnlyList<OciHook>? CreateRuntime { get; init; }

    public IReadOnlyList<OciHook>? CreateContainer { get; init; }

    public IReadOnlyList<OciHook>? StartContainer { get; init; }

    public IReadOnlyList<OciHook>? Poststart { get; init; }

    public IReadOnlyList<OciHook>? Poststop { get; init; }
}

public sealed record OciHook(string Path)
{
    public IReadOnlyList<string>? Args { get; init; }

    public IReadOnlyList<string>? Env { get; init; }

    /// <summary>Seconds.</summary>
    public int? Timeout { get; init; }
}

public sealed record OciProcess
{
    public bool Terminal { get; init; }

    public required OciUser User { get; init; }

    public required IReadOnlyList<string> Args { get; init; }

    public IReadOnlyList<string> Env { get; init; } = [];

    public string Cwd { get; init; } = "/";

    public OciCapabilities? Capabilities { get; init; }

    public bool NoNewPrivileges { get; init; }

    public int? OomScoreAdj { get; init; }

    public string? ApparmorProfile { get; init; }

    public string? SelinuxLabel { get; init; }
}

public sealed record OciUser(uint Uid, uint Gid, IReadOnlyList<uint> AdditionalGids);

public sealed record OciCapabilities
{
    public IReadOnlyList<string> Bounding { get; init; } = [];

    public IReadOnlyList<string> Effective { get; init; } = [];

    public IReadOnlyList<string> Permitted { get; init; } = [];

    public IReadOnlyList<string>? Ambient { get; init; }

    public IReadOnlyList<string>? Inheritable { get; init; }
}

public sealed record OciLinux
{
    public IReadOnlyList<OciNamespace> Namespaces { get; init; } = [];

    public IReadOnlyList<OciIdMapping>? UidMappings { get; init; }

    public IReadOnlyList<OciIdMapping>? GidMappings { get; init; }

    public OciResources? Resources { get; init; }

    public string? CgroupsPath { get; init; }

    public IReadOnlyList<OciDevice>? Devices { get; init; }

    public OciSeccomp? Seccomp { get; init; }

    public string? RootfsPropagation { get; init; }

    public IReadOnlyList<string>? MaskedPaths { get; init; }

    public IReadOnlyList<string>? ReadonlyPaths { get; init; }

    public string? MountLabel { get; init; }

    public OciIntelRdt? IntelRdt { get; init; }
}

/// <summary>A class of Intel's resource director technology (resctrl).</summary>
public sealed record OciIntelRdt
{
    [JsonPropertyName("closID")]
    public string? ClassOfService { get; init; }

    public string? L3CacheSchema { get; init; }

    public string? MemBwSchema { get; init; }

    public IReadOnlyList<string>? Schemata { get; init; }

    [JsonPropertyName("enableCMT")]
    public bool? EnableCacheMonitoring { get; init; }

    [JsonPropertyName("enableMBM")]
    public bool? EnableBandwidthMonitoring { get; init; }

    public bool? EnableMonitoring { get; init; }
}

public sealed record OciIdMapping(
    [property: JsonPropertyName("containerID")] uint ContainerId, [property: JsonPropertyName("hostID")] uint HostId, uint Size);

public sealed record OciNamespace(string Type, string? Path);

public sealed record OciDevice(string Path, string Type, long Major, long Minor, uint FileMode, uint Uid, uint Gid);

public sealed record OciResources
{
    public IReadOnlyList<OciDeviceRule>? Devices { get; init; }

    public OciMemory? Memory { get; init; }

    public OciCpu? Cpu { get; init; }

    public IReadOnlyList<OciHugepageLimit>? HugepageLimits { get; init; }

    public IReadOnlyDictionary<string, string>? Unified { get; init; }
}

public sealed record OciDeviceRule(bool Allow, string? Type, long? Major, long? Minor, string Access);

public sealed record OciMemory(long? Limit, long? Swap);

public sealed record OciCpu
{
    public ulong? Shares { get; init; }

    public long? Quota { get; init; }

    public ulong? Period { get; init; }

    public string? Cpus { get; init; }

    public string? Mems { get; init; }
}

public sealed record OciHugepageLimit(string PageSize, ulong Limit);

public sealed record OciSeccomp
{
    public required string DefaultAction { get; init; }

    public uint? DefaultErrnoRet { get; init; }

    public IReadOnlyList<string>? Architectures { get; init; }

    public IReadOnlyList<string>? Flags { get; init; }

    /// <summary>The socket of the agent that SCMP_ACT_NOTIFY asks.</summary>
    public string? ListenerPath { get; init; }

    public string? ListenerMetadata { get; init; }

    public IReadOnlyList<OciSyscall> Syscalls { get; init; } = [];
}

public sealed record OciSyscall(IReadOnlyList<string> Names, string Action, uint? ErrnoRet, IReadOnlyList<OciSyscallArgument>? Args);

public sealed record OciSyscallArgument(uint Index, ulong Value, ulong? ValueTwo, string Op);
