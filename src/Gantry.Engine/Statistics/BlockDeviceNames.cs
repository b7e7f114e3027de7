using System.Globalization;
using System.Text;
using Gantry.Linux.Files;

namespace Gantry.Statistics;

/// <summary>Names of block devices by their numbers; for one answer, since a device may go and its numbers come again.</summary>
public sealed class BlockDeviceNames
{
    private readonly Dictionary<(uint Major, uint Minor), string> _names = [];

    /// <summary>As "/dev/sda"; "8:0" where the device has gone.</summary>
    public string Of(uint major, uint minor)
    {
        if (_names.TryGetValue((major, minor), out var known))
            return known;
        var numbers = string.Create(CultureInfo.InvariantCulture, $"{major}:{minor}");
        Span<byte> buffer = stackalloc byte[1024];
        var length = Math.Max(0, KernelFile.TryRead($"/sys/dev/block/{numbers}", "uevent"u8, buffer));
        return _names[(major, minor)] = Parse(Encoding.UTF8.GetString(buffer[..length])) is { } name ? $"/dev/{name}" : numbers;
    }

    internal static string? Parse(string text)
    {
        const string Key = "DEVNAME=";
        return text.Split('\n').FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal))?[Key.Length..];
    }
}
