using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gantry.Oci;

/// <summary>
/// What an OCI runtime says that it can do (runtime specification 1.1, "Features structure"); null where it does not say.
/// Older ones, crun before 1.9 among them, have no such answer at all.
/// </summary>
public sealed record RuntimeFeatures
{
    /// <summary>Of a runtime that has no answer.</summary>
    public static RuntimeFeatures Unknown { get; } = new();

    public IReadOnlySet<string>? Namespaces { get; init; }

    /// <summary>"rro" among them: recursive read-only mounts.</summary>
    public IReadOnlySet<string>? MountOptions { get; init; }

    public bool? Seccomp { get; init; }

    public bool? AppArmor { get; init; }

    public bool? Selinux { get; init; }

    public bool? IntelRdt { get; init; }

    /// <summary>The whole answer, for people; null where there is none.</summary>
    public string? Text { get; init; }

    /// <summary>Reads the answer; what is no such answer tells nothing.</summary>
    public static RuntimeFeatures Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            if (JsonNode.Parse(json) is not JsonObject root)
                return Unknown;
            var linux = root["linux"] as JsonObject;
            return new RuntimeFeatures
            {
                Namespaces = Names(linux?["namespaces"]),
                MountOptions = Names(root["mountOptions"]),
                Seccomp = Flag(linux?["seccomp"]),
                AppArmor = Flag(linux?["apparmor"]),
                Selinux = Flag(linux?["selinux"]),
                IntelRdt = Flag(linux?["intelRdt"]),
                Text = root.ToJsonString(),
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return Unknown;
        }
    }

    private static HashSet<string>? Names(JsonNode? node) => node is JsonArray names ? [.. names.Select(name => (string)name!)] : null;

    private static bool? Flag(JsonNode? node) => node is JsonObject feature ? (bool?)feature["enabled"] : null;
}
