using System.Globalization;

namespace Gantry.Cli.Output;

/// <summary>Ids, sizes and ages in the short forms that fit a table.</summary>
internal static class HumanText
{
    /// <summary>Enough of an id to be typed back; "sha256:" is left out.</summary>
    public static string ShortId(string id)
    {
        var hex = id.StartsWith("sha256:", StringComparison.Ordinal) ? id["sha256:".Length..] : id;
        return hex.Length > 12 ? hex[..12] : hex;
    }

    /// <summary>An image's name without the registry that everyone leaves out, or its short id.</summary>
    public static string Image(string image)
    {
        if (image.StartsWith("sha256:", StringComparison.Ordinal))
            return ShortId(image);
        foreach (var prefix in (string[])["docker.io/library/", "docker.io/"])
        {
            if (image.StartsWith(prefix, StringComparison.Ordinal))
                return image[prefix.Length..];
        }
        return image;
    }

    /// <summary>In powers of 1000, as registries and disks count.</summary>
    public static string Size(double bytes)
    {
        string[] units = ["B", "kB", "MB", "GB", "TB"];
        var unit = 0;
        while (bytes >= 999.5 && unit < units.Length - 1)
        {
            bytes /= 1000;
            unit++;
        }
        var format = unit == 0 || bytes >= 99.95 ? "0" : "0.0";
        return bytes.ToString(format, CultureInfo.InvariantCulture) + units[unit];
    }

    /// <summary>How long ago, in the two largest units at most; "-" for a time that has not been.</summary>
    public static string Age(long nanoseconds, DateTimeOffset now)
    {
        if (nanoseconds <= 0)
            return "-";
        var age = now - DateTimeOffset.UnixEpoch.AddTicks(nanoseconds / 100);
        if (age < TimeSpan.Zero)
            age = TimeSpan.Zero;
        return age switch
        {
            { TotalSeconds: < 120 } => $"{(int)age.TotalSeconds}s",
            { TotalMinutes: < 10 } when age.Seconds > 0 => $"{(int)age.TotalMinutes}m{age.Seconds}s",
            { TotalMinutes: < 120 } => $"{(int)age.TotalMinutes}m",
            { TotalHours: < 10 } when age.Minutes > 0 => $"{(int)age.TotalHours}h{age.Minutes}m",
            { TotalHours: < 48 } => $"{(int)age.TotalHours}h",
            _ => $"{(int)age.TotalDays}d",
        };
    }

    /// <summary>A time for JSON: RFC 3339 in UTC with nanoseconds; null for a time that has not been.</summary>
    public static string? Instant(long nanoseconds)
    {
        if (nanoseconds <= 0)
            return null;
        var seconds = DateTimeOffset.FromUnixTimeSeconds(nanoseconds / 1_000_000_000);
        return string.Create(CultureInfo.InvariantCulture, $"{seconds:yyyy-MM-ddTHH:mm:ss}.{nanoseconds % 1_000_000_000:D9}Z");
    }
}
