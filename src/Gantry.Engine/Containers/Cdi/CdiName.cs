using Gantry.Faults;

namespace Gantry.Containers.Cdi;

/// <summary>A device's qualified name, as "vendor.com/gpu=0".</summary>
/// <param name="Kind">"vendor.com/gpu".</param>
/// <param name="Device">"0".</param>
public readonly record struct CdiName(string Kind, string Device)
{
    private const string AnnotationPrefix = "cdi.k8s.io/";

    /// <exception cref="InvalidRequestException">It is none.</exception>
    public static CdiName Parse(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        var name = equals < 0 ? default : new CdiName(text[..equals], text[(equals + 1)..]);
        return equals > 0 && IsKind(name.Kind) && IsName(name.Device, "_-.:")
            ? name
            : throw new InvalidRequestException($"CDI device '{text}' is no qualified name, as vendor.com/class=device");
    }

    /// <summary>The names in annotations "cdi.k8s.io/PLUGIN", by which device plugins asked before the CRI had a field for them.</summary>
    /// <exception cref="InvalidRequestException">A value is no list of names.</exception>
    public static IEnumerable<CdiName> FromAnnotations(IReadOnlyDictionary<string, string> annotations) => annotations
        .Where(annotation => annotation.Key.StartsWith(AnnotationPrefix, StringComparison.Ordinal))
        .OrderBy(annotation => annotation.Key, StringComparer.Ordinal)
        .SelectMany(annotation => annotation.Value.Split(',').Select(Parse));

    public override string ToString() => $"{Kind}={Device}";

    /// <summary>A vendor, a slash and a class.</summary>
    internal static bool IsKind(string text) => text.Split('/') is [var vendor, var type] && IsName(vendor, "_-.") && IsName(type, "_-.");

    /// <summary>Letters and digits at both ends; a device may begin with a digit.</summary>
    internal static bool IsName(string text, string between) => text.Length > 0 && char.IsAsciiLetterOrDigit(text[0]) && char.IsAsciiLetterOrDigit(text[^1])
        && text.All(c => char.IsAsciiLetterOrDigit(c) || between.Contains(c));
}
