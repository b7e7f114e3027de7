using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Gantry.Faults;

namespace Gantry.Images.Manifests;

/// <summary>What a node can run: an architecture, and the newest variant of it.</summary>
/// <param name="Architecture">As Go names it: amd64, arm64, arm, ppc64le, s390x, riscv64.</param>
/// <param name="Level">Of amd64 the microarchitecture level (1 to 4), of arm the version (5 to 8); else 0.</param>
internal sealed record HostPlatform(string Architecture, int Level)
{
    /// <summary>This node.</summary>
    public static HostPlatform Own { get; } = Detect();

    /// <summary>The best entry; entries of no platform of ours, as attestations (unknown/unknown), are passed over.</summary>
    /// <exception cref="NotFoundException">The image is not made for this node.</exception>
    public Descriptor Choose(IReadOnlyList<IndexEntry> entries, string subject)
    {
        // Among equals the first: that is the order in which the index's author prefers them.
        var fitting = entries.Where(entry => entry.Os == "linux" && entry.Architecture == Architecture && Rank(entry.Variant) > 0).MaxBy(entry => Rank(entry.Variant));
        if (fitting is not null)
            return fitting.Descriptor;
        if (entries is [{ Os: "", Architecture: "" } only])
            return only.Descriptor;
        var offered = entries.Where(entry => entry.Os is not ("" or "unknown")).Select(entry => $"{entry.Os}/{entry.Architecture}{(entry.Variant.Length > 0 ? "/" + entry.Variant : "")}");
        throw new NotFoundException($"{subject} has no image for linux/{Architecture}; it has {string.Join(", ", offered.DefaultIfEmpty("none"))}");
    }

    /// <summary>How good a variant is here; 0 where it does not run.</summary>
    private int Rank(string variant) => Architecture switch
    {
        "amd64" => variant is "" ? 1 : VersionOf(variant) is var level && level >= 1 && level <= Level ? level : 0,
        "arm" => variant is "" ? 1 : VersionOf(variant) is var version && version >= 5 && version <= Level ? version : 0,
        // Every arm64 is a v8; what v9 adds is not needed to run.
        "arm64" => variant is "" or "v8" ? 2 : 0,
        _ => variant is "" ? 1 : 0,
    };

    private static int VersionOf(string variant) => variant is ['v', >= '1' and <= '9' and var digit] ? digit - '0' : -1;

    private static HostPlatform Detect() => RuntimeInformation.OSArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => new HostPlatform("amd64", LevelOfX64()),
        System.Runtime.InteropServices.Architecture.Arm64 => new HostPlatform("arm64", 0),
        System.Runtime.InteropServices.Architecture.Arm => new HostPlatform("arm", 7),
        System.Runtime.InteropServices.Architecture.Armv6 => new HostPlatform("arm", 6),
        System.Runtime.InteropServices.Architecture.Ppc64le => new HostPlatform("ppc64le", 0),
        var other => new HostPlatform(other.ToString().ToLowerInvariant(), 0),
    };

    /// <summary>The levels of the x86-64 psABI, by the extensions that tell them apart.</summary>
    private static int LevelOfX64() => 0 switch
    {
        _ when Avx512F.IsSupported && Avx512BW.IsSupported && Avx512CD.IsSupported && Avx512DQ.IsSupported => 4,
        _ when Avx2.IsSupported && Bmi1.IsSupported && Bmi2.IsSupported && Fma.IsSupported && Lzcnt.IsSupported => 3,
        _ when Sse42.IsSupported && Popcnt.IsSupported => 2,
        _ => 1,
    };
}
