using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gantry.Faults;
using Gantry.Linux.Files;
using Gantry.Oci.Spec;

namespace Gantry.Containers.SpecBuilding;

/// <summary>
/// A seccomp profile of the node's own (Localhost): the runtime specification's form, or that of Docker and Podman, which
/// has rules for some architectures, capabilities and kernels only. Those are settled here; OCI runtimes know nothing of them.
/// </summary>
public static class SeccompFile
{
    private const int SizeLimit = 4 << 20;
    private static readonly string[] _actions =
    [
        "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP", "SCMP_ACT_ERRNO", "SCMP_ACT_TRACE", "SCMP_ACT_ALLOW",
        "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY",
    ];

    private static readonly string[] _operators =
        ["SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"];

    /// <summary>Reads the file.</summary>
    /// <param name="container">For messages.</param>
    /// <param name="path">Absolute.</param>
    /// <param name="capabilities">What the container's process has.</param>
    /// <exception cref="InvalidRequestException">The file is missing, or is no profile; the message says why.</exception>
    public static OciSeccomp Read(string container, string path, IReadOnlyCollection<string> capabilities)
    {
        if (!path.StartsWith('/'))
            throw new InvalidRequestException($"container {container}: seccomp profile '{path}' is no absolute path");
        try
        {
            // Not blocking: a FIFO of that name must not hold the call.
            using var file = RegularFile.Open(path, 0x800);
            return Parse(RegularFile.ReadAll(file, path, SizeLimit), capabilities);
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            throw new InvalidRequestException($"container {container}: seccomp profile {path} cannot be read: {e.Message}", e);
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException or OverflowException)
        {
            throw new InvalidRequestException($"container {container}: seccomp profile {path} is no profile: {e.Message}", e);
        }
    }

    /// <exception cref="FormatException">It is no profile.</exception>
    internal static OciSeccomp Parse(ReadOnlySpan<byte> json, IReadOnlyCollection<string> capabilities)
    {
        if (JsonNode.Parse(json, null, new JsonDocumentOptions { MaxDepth = 32, AllowTrailingCommas = false }) is not JsonObject root)
            throw new FormatException("it is no JSON object");
        return new OciSeccomp
        {
            DefaultAction = ActionOf(root, "defaultAction"),
            DefaultErrnoRet = (uint?)root["defaultErrnoRet"],
            Architectures = Architectures(root),
            Flags = Texts(root["flags"]) is { Count: > 0 } flags ? flags : null,
            ListenerPath = (string?)root["listenerPath"],
            ListenerMetadata = (string?)root["listenerMetadata"],
            Syscalls = [.. (root["syscalls"] as JsonArray ?? []).Select(rule => rule as JsonObject ?? throw new FormatException("syscalls holds something that is no object"))
                .Where(rule => Applies(rule, capabilities)).Select(Rule)],
        };
    }

    private static List<string>? Architectures(JsonObject root)
    {
        if (root["architectures"] is JsonArray given)
            return [.. Texts(given)];
        var own = RuntimeInformation.OSArchitecture is Architecture.Arm64 ? "SCMP_ARCH_AARCH64" : "SCMP_ARCH_X86_64";
        var map = (root["archMap"] as JsonArray ?? []).OfType<JsonObject>().FirstOrDefault(entry => (string?)entry["architecture"] == own);
        return map is null ? null : [own, .. Texts(map["subArchitectures"])];
    }

    private static OciSyscall Rule(JsonObject rule)
    {
        List<string> names = [.. Texts(rule["names"])];
        if ((string?)rule["name"] is { Length: > 0 } single)
            names.Add(single);
        if (names.Count == 0)
            throw new FormatException("a rule has no names");
        var arguments = (rule["args"] as JsonArray ?? []).OfType<JsonObject>().Select(Argument).ToList();
        return new OciSyscall(names, ActionOf(rule, "action"), (uint?)rule["errnoRet"], arguments.Count > 0 ? arguments : null);
    }

    private static OciSyscallArgument Argument(JsonObject argument)
    {
        var comparison = (string?)argument["op"] ?? "";
        return _operators.Contains(comparison)
            ? new OciSyscallArgument((uint?)argument["index"] ?? 0, (ulong?)argument["value"] ?? 0, (ulong?)argument["valueTwo"], comparison)
            : throw new FormatException($"'{comparison}' is no comparison");
    }

    private static string ActionOf(JsonObject owner, string name) => (string?)owner[name] is { } action && _actions.Contains(action)
        ? action
        : throw new FormatException($"{name} '{(string?)owner[name]}' is no action, as SCMP_ACT_ALLOW");

    private static bool Applies(JsonObject rule, IReadOnlyCollection<string> capabilities)
    {
        var (includes, excludes) = (rule["includes"] as JsonObject, rule["excludes"] as JsonObject);
        return (includes is null || (Matches(includes["caps"], capabilities) is not false && Matches(includes["arches"], Arches()) is not false && IsKernel(includes) is not false))
            && (excludes is null || (Matches(excludes["caps"], capabilities) is not true && Matches(excludes["arches"], Arches()) is not true && IsKernel(excludes) is not true));
    }

    /// <summary>Null where nothing is asked.</summary>
    private static bool? Matches(JsonNode? asked, IReadOnlyCollection<string> have) => Texts(asked) is { Count: > 0 } names ? names.Any(have.Contains) : null;

    private static bool? IsKernel(JsonObject condition) => (string?)condition["minKernel"] is not { } asked ? null
        : Version.TryParse(asked, out var least) ? Environment.OSVersion.Version >= least
        : throw new FormatException($"minKernel '{asked}' is no version");

    private static string[] Arches() => RuntimeInformation.OSArchitecture is Architecture.Arm64 ? ["arm64", "aarch64"] : ["amd64", "x32", "x86_64"];

    private static List<string> Texts(JsonNode? node) => [.. (node as JsonArray ?? []).Select(text => text?.GetValue<string>() ?? throw new FormatException("a list of texts holds null"))];
}
