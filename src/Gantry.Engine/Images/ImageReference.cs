using System.Text.RegularExpressions;
using Gantry.Faults;
using Gantry.Identity;

namespace Gantry.Images;

/// <summary>
/// An image's name in full: registry, repository, and a tag, a digest or both. "nginx" is read as
/// docker.io/library/nginx:latest, as every tool of the field reads it (grammar of the distribution project).
/// </summary>
public sealed partial record ImageReference
{
    private const int LongestRepository = 255;

    private ImageReference(string registry, string repository, string? tag, Digest? digest)
    {
        Registry = registry;
        Repository = repository;
        Tag = tag;
        Digest = digest;
    }

    /// <summary>Host and port, as "docker.io" or "127.0.0.1:5000".</summary>
    public string Registry { get; }

    /// <summary>As "library/nginx".</summary>
    public string Repository { get; }

    /// <summary>Null where only a digest was given.</summary>
    public string? Tag { get; }

    public Digest? Digest { get; }

    /// <summary>Registry and repository.</summary>
    public string Name => $"{Registry}/{Repository}";

    /// <summary>What the registry is asked for: the digest where there is one.</summary>
    public string Target => Digest?.Value ?? Tag!;

    /// <exception cref="InvalidRequestException">It is no image reference; the message says why.</exception>
    public static ImageReference Parse(string text) => TryParse(text, out var problem)
        ?? throw new InvalidRequestException($"image reference '{(text.Length > 300 ? text[..300] + "…" : text)}' is not valid: {problem}");

    /// <summary>The reference, or null and what is wrong.</summary>
    public static ImageReference? TryParse(string text, out string problem)
    {
        problem = "";
        var rest = text;
        Digest? digest = null;
        var at = rest.IndexOf('@', StringComparison.Ordinal);
        if (at >= 0)
        {
            if (!Identity.Digest.TryParse(rest[(at + 1)..], out var parsed))
                return Refuse("its digest is not sha256: and 64, or sha512: and 128 lowercase hexadecimal digits", out problem);
            digest = parsed;
            rest = rest[..at];
        }
        string? tag = null;
        var colon = rest.LastIndexOf(':');
        if (colon > rest.LastIndexOf('/'))
        {
            tag = rest[(colon + 1)..];
            rest = rest[..colon];
            if (!TagPattern().IsMatch(tag))
                return Refuse("a tag has letters, digits, '_', '.' and '-', at most 128 of them", out problem);
        }
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var first = slash < 0 ? "" : rest[..slash];
        var isHost = first.Contains('.') || first.Contains(':') || first == "localhost" || first.Any(char.IsAsciiLetterUpper);
        var registry = isHost ? first : "docker.io";
        var repository = isHost ? rest[(slash + 1)..] : rest;
        if (registry == "index.docker.io")
            registry = "docker.io";
        if (registry == "docker.io" && !repository.Contains('/'))
            repository = "library/" + repository;
        if (!HostPattern().IsMatch(registry))
            return Refuse($"'{registry}' is no registry's host", out problem);
        if (repository.Length > LongestRepository || !RepositoryPattern().IsMatch(repository))
            return Refuse("a repository is lower-case letters and digits, with single separators '.', '_', '__' or '-' between them", out problem);
        return new ImageReference(registry, repository, tag ?? (digest is null ? "latest" : null), digest);
    }

    public override string ToString() => Name + (Tag is null ? "" : ":" + Tag) + (Digest is null ? "" : "@" + Digest.Value.Value);

    private static ImageReference? Refuse(string why, out string problem)
    {
        problem = why;
        return null;
    }

    [GeneratedRegex(@"^[\w][\w.-]{0,127}\z", RegexOptions.ECMAScript)]
    private static partial Regex TagPattern();

    [GeneratedRegex(@"^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?\z")]
    private static partial Regex HostPattern();

    [GeneratedRegex(@"^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*\z")]
    private static partial Regex RepositoryPattern();
}
