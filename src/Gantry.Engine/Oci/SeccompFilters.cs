using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gantry.Identity;
using Gantry.Linux;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;
using Gantry.Oci.Spec;

namespace Gantry.Oci;

/// <summary>
/// Compiled seccomp profiles. crun compiles a container's profile to a filter in a third of its create's time, and keeps the
/// filter only where it was built with libgcrypt, which Debian's was not. What it compiled for one container is therefore
/// handed to it for the next of the same profile, by the annotation that it has for this (crun(1), run.oci.seccomp_bpf_data).
/// Other runtimes leave no such file, and crun ignores the annotation should it lose it: both compile as ever.
/// </summary>
public sealed class SeccompFilters(TimeProvider time)
{
    /// <summary>Whatever says something of seccomp by annotations is left to it.</summary>
    private const string AnnotationPrefix = "run.oci.seccomp";

    private const string Annotation = AnnotationPrefix + "_bpf_data";
    private const int MostFilters = 64;

    /// <summary>Of the kernel: BPF_MAXINSNS instructions of 8 bytes.</summary>
    private const int MostBytes = 4096 * 8;

    /// <summary>A libseccomp that is replaced meanwhile would compile another one.</summary>
    private static readonly TimeSpan _lifetime = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<string, Filter> _filters = [];

    /// <summary>The specification with a filter that was learned from an earlier container, or as it was.</summary>
    public OciSpec Apply(OciSpec spec, RuntimeHandler handler)
    {
        if (KeyOf(spec, handler) is not { } key || Find(key, handler) is not { } filter)
            return spec;
        var annotations = new Dictionary<string, string>(spec.Annotations ?? new Dictionary<string, string>()) { [Annotation] = filter.Text };
        return spec with { Annotations = annotations };
    }

    /// <summary>Keeps the filter that the runtime has just compiled for a container that it created.</summary>
    /// <param name="spec">As <see cref="Apply"/> returned it: one that was given a filter teaches none.</param>
    /// <param name="handler">Whose runtime created it.</param>
    /// <param name="id">The container.</param>
    public void Learn(OciSpec spec, RuntimeHandler handler, ContainerId id)
    {
        if (KeyOf(spec, handler) is not { } key || Find(key, handler) is not null || Directory.Exists(Path.Combine(handler.Root, ".cache", "seccomp")))
            return;
        if (TryRead(Path.Combine(handler.Root, id.Value, "seccomp.bpf")) is not { Length: > 0 } bytes || bytes.Length % 8 != 0)
            return;
        if (_filters.Count >= MostFilters)
            _filters.Clear();
        _filters[key] = new Filter(Convert.ToBase64String(bytes), handler.Program.Current(), time.GetTimestamp());
    }

    /// <summary>A specification's JSON as it was asked for: what <see cref="Apply"/> has put in is of no interest to its readers.</summary>
    public static void Hide(JsonNode? spec) => (spec?["annotations"] as JsonObject)?.Remove(Annotation);

    private Filter? Find(string key, RuntimeHandler handler) =>
        _filters.TryGetValue(key, out var filter) && ReferenceEquals(filter.Compiler, handler.Program.Current()) && time.GetElapsedTime(filter.Since) < _lifetime ? filter : null;

    /// <summary>Null where there is no profile, or where an agent or the operator's annotations have a say in it.</summary>
    private static string? KeyOf(OciSpec spec, RuntimeHandler handler)
    {
        if (spec.Linux.Seccomp is not { ListenerPath: null } profile || spec.Annotations?.Keys.Any(name => name.StartsWith(AnnotationPrefix, StringComparison.Ordinal)) == true)
            return null;
        return $"{handler.Name} {Convert.ToHexString(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(profile, OciJson.Default.OciSeccomp)))}";
    }

    private static byte[]? TryRead(string path)
    {
        try
        {
            return RegularFile.ReadOwn(path, MostBytes);
        }
        catch (Exception e) when (e is SyscallException or InvalidDataException or IOException)
        {
            return null;
        }
    }

    /// <param name="Text">Base64.</param>
    /// <param name="Compiler">The runtime that made it.</param>
    /// <param name="Since">A timestamp.</param>
    private sealed record Filter(string Text, FileDescriptor? Compiler, long Since);
}
