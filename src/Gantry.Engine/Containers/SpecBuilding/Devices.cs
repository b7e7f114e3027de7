using Gantry.Faults;
using Gantry.Linux.Files;
using Gantry.Oci.Spec;

namespace Gantry.Containers.SpecBuilding;

/// <summary>The devices of a container, and which of them its cgroup lets it use.</summary>
public static class Devices
{
    /// <summary>mknod of any, and the standard ones: null, zero, full, random, urandom, tty, console, ptmx, pts.</summary>
    private static readonly OciDeviceRule[] _standard =
    [
        new(false, null, null, null, "rwm"),
        new(true, "c", null, null, "m"),
        new(true, "b", null, null, "m"),
        new(true, "c", 1, 3, "rwm"),
        new(true, "c", 1, 5, "rwm"),
        new(true, "c", 1, 7, "rwm"),
        new(true, "c", 1, 8, "rwm"),
        new(true, "c", 1, 9, "rwm"),
        new(true, "c", 5, 0, "rwm"),
        new(true, "c", 5, 1, "rwm"),
        new(true, "c", 5, 2, "rwm"),
        new(true, "c", 136, null, "rwm"),
    ];

    private static readonly string[] _notCopied = ["pts", "shm", "fd", "mqueue", "console", ".lxc", ".lxd-mounts", ".udev", "hugepages"];

    /// <exception cref="InvalidRequestException">A path is no device.</exception>
    public static (IReadOnlyList<OciDevice> Devices, IReadOnlyList<OciDeviceRule> Rules) For(ContainerSpec spec)
    {
        if (spec.Security.Privileged)
            return ([.. Below("/dev", "/dev")], [new OciDeviceRule(true, null, null, null, "rwm")]);
        var devices = new List<OciDevice>();
        var rules = new List<OciDeviceRule>(_standard);
        foreach (var asked in spec.Devices)
        {
            foreach (var device in Find(spec, asked))
            {
                devices.RemoveAll(other => other.Path == device.Path);
                devices.Add(device);
                rules.Add(new OciDeviceRule(true, device.Type, device.Major, device.Minor, asked.Permissions.Length > 0 ? asked.Permissions : "rwm"));
            }
        }
        return (devices, rules);
    }

    private static IEnumerable<OciDevice> Find(ContainerSpec spec, DeviceSpec asked)
    {
        var status = FileStatus.TryGet(asked.HostPath) ?? throw new InvalidRequestException($"container {spec.Name}: device {asked.HostPath} does not exist on this node");
        if (status.Kind is FileKind.Directory)
            return Below(asked.HostPath, asked.ContainerPath);
        return ToDevice(asked.ContainerPath, status) is { } device
            ? [device]
            : throw new InvalidRequestException($"container {spec.Name}: {asked.HostPath} is no device");
    }

    private static IEnumerable<OciDevice> Below(string hostDirectory, string containerDirectory)
    {
        foreach (var path in Directory.EnumerateFileSystemEntries(hostDirectory))
        {
            var name = Path.GetFileName(path);
            if (_notCopied.Contains(name) || FileStatus.TryGet(path, followLinks: false) is not { } status)
                continue;
            if (status.Kind is FileKind.Directory)
            {
                foreach (var device in Below(path, Path.Combine(containerDirectory, name)))
                    yield return device;
            }
            else if (ToDevice(Path.Combine(containerDirectory, name), status) is { } device)
            {
                yield return device;
            }
        }
    }

    private static OciDevice? ToDevice(string path, FileStatus status) => status.Kind switch
    {
        FileKind.CharacterDevice => new OciDevice(path, "c", status.SpecialMajor, status.SpecialMinor, status.Mode, status.Uid, status.Gid),
        FileKind.BlockDevice => new OciDevice(path, "b", status.SpecialMajor, status.SpecialMinor, status.Mode, status.Uid, status.Gid),
        _ => null,
    };
}
