using Gantry.Linux.Mounts;

namespace Gantry.Containers.Volumes;

/// <summary>The options that a mount may be asked to have besides being read-only; each takes something away.</summary>
public static class MountOptions
{
    private static readonly Dictionary<string, MountAttributes> _attributes = new()
    {
        ["noexec"] = MountAttributes.NoExecute,
        ["nosuid"] = MountAttributes.NoSetId,
        ["nodev"] = MountAttributes.NoDevices,
        ["noatime"] = MountAttributes.NoAccessTime,
        ["nodiratime"] = MountAttributes.NoDirectoryAccessTime,
    };

    public static IEnumerable<string> Names => _attributes.Keys;

    public static bool IsKnown(string option) => _attributes.ContainsKey(option);

    internal static MountAttributes AttributeOf(string option) => _attributes[option];
}
