namespace Gantry.Cgroups;

/// <summary>The devices of one block I/O file, by "major:minor".</summary>
internal static class DeviceList
{
    /// <summary>The device of that name in the list, added where it is new; null where the name is none.</summary>
    public static DeviceIo? Find(List<DeviceIo> devices, ReadOnlySpan<byte> name)
    {
        var colon = name.IndexOf((byte)':');
        if (colon < 0 || !KernelText.TryNumber(name[..colon], out var major) || !KernelText.TryNumber(name[(colon + 1)..], out var minor))
            return null;
        foreach (var known in devices)
        {
            if (known.Major == major && known.Minor == minor)
                return known;
        }
        var device = new DeviceIo((uint)major, (uint)minor);
        devices.Add(device);
        return device;
    }
}
