using Gantry.Faults;

namespace Gantry.Images.Registry.Hosts;

/// <summary>
/// Reads containers-registries.conf version 2 (containers-registries.conf(5)), as Podman and CRI-O have it: prefixes with
/// a location, mirrors, insecure and blocked. The longest prefix that fits an image counts.
/// </summary>
internal static class RegistriesConf
{
    /// <summary>The servers of an image, by the file and the drop-ins of FILE.d; null where no entry fits.</summary>
    /// <exception cref="WrongStateException">A file is wrong, or the image's registry is blocked; names file and line.</exception>
    public static IReadOnlyList<RegistryHost>? For(string file, ImageReference image)
    {
        (string Prefix, TomlNode Entry, string File)? best = null;
        foreach (var part in Files(file))
        {
            foreach (var entry in TomlNode.Parse(File.ReadAllText(part), part)["registry"]?.Items ?? [])
            {
                var prefix = entry["prefix"]?.Text is { Length: > 0 } given ? given : entry["location"]?.Text ?? throw entry.Wrong("a registry has neither prefix nor location");
                // A later file's entry of the same prefix replaces an earlier one's.
                if (MatchLength(prefix, image) is { } length && (best is null || length >= MatchLength(best.Value.Prefix, image)))
                    best = (prefix, entry, part);
            }
        }
        return best is { } found ? Hosts(found.Prefix, found.Entry, found.File, image) : null;
    }

    private static IEnumerable<string> Files(string file)
    {
        if (File.Exists(file))
            yield return file;
        if (!Directory.Exists(file + ".d"))
            yield break;
        foreach (var part in Directory.EnumerateFiles(file + ".d", "*.conf").Order(StringComparer.Ordinal))
            yield return part;
    }

    /// <summary>How much of the image's name the prefix covers; null where it does not fit.</summary>
    private static int? MatchLength(string prefix, ImageReference image)
    {
        if (prefix.StartsWith("*.", StringComparison.Ordinal))
            return image.Registry.EndsWith(prefix[1..], StringComparison.Ordinal) ? image.Registry.Length : null;
        var name = image.Name;
        if (!name.StartsWith(prefix, StringComparison.Ordinal))
            return null;
        // Whole components: "example.com/foo" does not cover "example.com/foobar".
        return name.Length == prefix.Length || name[prefix.Length] is '/' ? prefix.Length : null;
    }

    private static List<RegistryHost> Hosts(string prefix, TomlNode entry, string file, ImageReference image)
    {
        if (entry["blocked"]?.Flag ?? false)
            throw entry.Wrong($"image {image}: its registry is blocked here");
        var hosts = new List<RegistryHost>();
        var digestOnly = entry["mirror-by-digest-only"]?.Flag ?? false;
        foreach (var mirror in entry["mirror"]?.Items ?? [])
        {
            var kind = mirror["pull-from-mirror"]?.Text ?? (digestOnly ? "digest-only" : "all");
            var serves = kind switch
            {
                "all" or "" => true,
                "digest-only" => image.Digest is not null,
                "tag-only" => image.Digest is null,
                _ => throw mirror.Wrong("pull-from-mirror is all, digest-only or tag-only"),
            };
            if (serves)
                hosts.AddRange(Servers(prefix, mirror["location"]?.Text ?? throw mirror.Wrong("a mirror has no location"), mirror, image, isMirror: true, $"{file}, mirror of \"{prefix}\""));
        }
        var location = entry["location"]?.Text is { Length: > 0 } given ? given : prefix.StartsWith("*.", StringComparison.Ordinal) ? image.Registry : prefix;
        hosts.AddRange(Servers(prefix, location, entry, image, isMirror: false, $"{file}, prefix \"{prefix}\""));
        return hosts;
    }

    /// <summary>The prefix of the image's name is replaced by the location.</summary>
    private static IEnumerable<RegistryHost> Servers(string prefix, string location, TomlNode node, ImageReference image, bool isMirror, string reason)
    {
        var rest = prefix.StartsWith("*.", StringComparison.Ordinal) ? image.Name[image.Registry.Length..] : image.Name[prefix.Length..];
        var name = location + rest;
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        if (slash <= 0)
            throw node.Wrong($"location '{location}' names no repository for {image.Name}");
        var registry = name[..slash];
        var host = RegistryHost.Own(registry) with { IsMirror = isMirror || registry != image.Registry, Repository = name[(slash + 1)..], Reason = reason };
        if (!(node["insecure"]?.Flag ?? false))
            return [host];
        // What "insecure" means there: https with any certificate, or else http.
        return [host with { Tls = HostTls.System with { SkipVerify = true } }, host with { Url = HostsToml.ParseUrl($"http://{registry}", node) }];
    }
}
