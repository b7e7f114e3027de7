using Gantry.Faults;
using Gantry.Linux.Files;
using Gantry.Oci.Spec;

namespace Gantry.Containers.Cdi;

/// <summary>Makes a container's specification what its devices want.</summary>
public static class CdiApplier
{
    /// <exception cref="InvalidRequestException">A device node is described and not there.</exception>
    public static OciSpec Apply(OciSpec spec, CdiEdits edits)
    {
        var devices = edits.DeviceNodes.Select(node => Device(node, spec.Process.User)).ToList();
        var rules = devices.Zip(edits.DeviceNodes)
            .Where(pair => pair.First.Type is "b" or "c" or "u")
            .Select(pair => new OciDeviceRule(true, pair.First.Type == "b" ? "b" : "c", pair.First.Major, pair.First.Minor, pair.Second.Permissions.Length > 0 ? pair.Second.Permissions : "rwm"));
        return spec with
        {
            Process = spec.Process with
            {
                Env = Environment(spec.Process.Env, edits.Environment),
                User = spec.Process.User with { AdditionalGids = [.. spec.Process.User.AdditionalGids.Concat(edits.AdditionalGroups).Distinct()] },
            },
            Mounts = Mounts(spec.Mounts, edits.Mounts),
            Hooks = edits.Hooks.Count == 0 ? spec.Hooks : Hooks(edits.Hooks),
            Linux = spec.Linux with
            {
                Devices = [.. (spec.Linux.Devices ?? []).Where(device => devices.TrueForAll(other => other.Path != device.Path)), .. devices],
                Resources = spec.Linux.Resources! with { Devices = [.. spec.Linux.Resources!.Devices ?? [], .. rules] },
                IntelRdt = edits.IntelRdt ?? spec.Linux.IntelRdt,
            },
        };
    }

    private static List<string> Environment(IReadOnlyList<string> before, IReadOnlyList<string> added)
    {
        static string Name(string variable) => variable[..Math.Max(variable.IndexOf('=', StringComparison.Ordinal), 0)];
        var names = added.Select(Name).ToHashSet(StringComparer.Ordinal);
        return [.. before.Where(variable => !names.Contains(Name(variable))), .. added.Reverse().DistinctBy(Name).Reverse()];
    }

    /// <summary>A device's mount replaces another at the same place; what lies above another comes first.</summary>
    private static IReadOnlyList<OciMount> Mounts(IReadOnlyList<OciMount> before, IReadOnlyList<OciMount> added)
    {
        if (added.Count == 0)
            return before;
        var places = added.Select(mount => mount.Destination).ToHashSet(StringComparer.Ordinal);
        return [.. before.Where(mount => !places.Contains(mount.Destination)).Concat(added).OrderBy(mount => mount.Destination.Count(c => c == '/'))];
    }

    private static OciHooks Hooks(IReadOnlyList<CdiHook> hooks)
    {
        List<OciHook>? Of(string name) => hooks.Where(hook => hook.Name == name).Select(hook => hook.Hook).ToList() is { Count: > 0 } found ? found : null;
        return new OciHooks
        {
            Prestart = Of("prestart"),
            CreateRuntime = Of("createRuntime"),
            CreateContainer = Of("createContainer"),
            StartContainer = Of("startContainer"),
            Poststart = Of("poststart"),
            Poststop = Of("poststop"),
        };
    }

    /// <summary>What the description leaves open is the node's own device's; another user than root gets it as its own.</summary>
    private static OciDevice Device(CdiDeviceNode node, OciUser user)
    {
        var path = node.HostPath.Length > 0 ? node.HostPath : node.Path;
        var isWhole = node.Type == "p" || (node.Type is not null && node.Major is not null && node.Minor is not null);
        var status = isWhole ? null : FileStatus.TryGet(path) ?? throw new InvalidRequestException($"CDI device node {path} does not exist on this node");
        var type = node.Type ?? status!.Kind switch
        {
            FileKind.CharacterDevice => "c",
            FileKind.BlockDevice => "b",
            FileKind.Fifo => "p",
            _ => throw new InvalidRequestException($"CDI device node {path} is no device"),
        };
        return new OciDevice(
            node.Path, type, node.Major ?? status?.SpecialMajor ?? 0, node.Minor ?? status?.SpecialMinor ?? 0, node.FileMode ?? status?.Mode ?? 0b110_110_110,
            node.Uid ?? (user.Uid > 0 ? user.Uid : status?.Uid ?? 0), node.Gid ?? (user.Gid > 0 ? user.Gid : status?.Gid ?? 0));
    }
}
