using System.Runtime.InteropServices;
using Gantry.Faults;

namespace Gantry.Images.Manifests;

/// <summary>Chooses an index's entry for this node.</summary>
public static class HostPlatform
{
    public static string Architecture => RuntimeInformation.OSArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => "amd64",
        System.Runtime.InteropServices.Architecture.Arm64 => "arm64",
        var other => other.ToString().ToLowerInvariant(),
    };

    /// <summary>The best entry; entries of no platform, as attestations, are passed over.</summary>
    /// <exception cref="NotFoundException">The image is not made for this node.</exception>
    public static Descriptor Choose(IReadOnlyList<IndexEntry> entries, string subject)
    {
        var fitting = entries.Where(entry => entry.Os == "linux" && entry.Architecture == Architecture && Rank(entry.Variant) > 0).MaxBy(entry => Rank(entry.Variant));
        if (fitting is not null)
            return fitting.Descriptor;
        if (entries is [{ Os: "", Architecture: "" } only])
            return only.Descriptor;
        var offered = entries.Where(entry => entry.Os is not ("" or "unknown")).Select(entry => $"{entry.Os}/{entry.Architecture}{(entry.Variant.Length > 0 ? "/" + entry.Variant : "")}");
        throw new NotFoundException($"{subject} has no image for linux/{Architecture}; it has {string.Join(", ", offered.DefaultIfEmpty("none"))}");
    }

    /// <summary>The baseline variant fits every node; those that need newer processors are not chosen without knowing them.</summary>
    private static int Rank(string variant) => variant switch
    {
        "" => 2,
        "v8" or "v1" => 1,
        _ => 0,
    };
}
