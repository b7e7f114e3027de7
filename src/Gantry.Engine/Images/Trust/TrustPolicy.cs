using System.Text.Json;
using Gantry.Faults;

namespace Gantry.Images.Trust;

/// <summary>One thing that a policy asks of an image.</summary>
internal abstract record TrustRequirement;

/// <summary>Nothing is asked.</summary>
internal sealed record AcceptAnything : TrustRequirement;

/// <summary>The image is refused.</summary>
internal sealed record RejectAll : TrustRequirement;

/// <summary>A sigstore signature (cosign) by one of these keys, or by a certificate of Fulcio's that is in Rekor's log.</summary>
/// <param name="Keys">PEM texts, with where they come from.</param>
/// <param name="RekorKeyPem">The log that must have the signature, by whomever it is; empty for none.</param>
/// <param name="Repository">The repository that the signature must speak of; empty for the image's own.</param>
internal sealed record SignedBySigstore(IReadOnlyList<(string Pem, string Source)> Keys, FulcioTrust? Fulcio, string RekorKeyPem, string Repository) : TrustRequirement;

/// <summary>Whose certificates count without a key: an authority, and who is named in the certificate.</summary>
internal sealed record FulcioTrust(string AuthorityPem, string OidcIssuer, string Subject);

/// <summary>A notation signature whose certificate one of these authorities issued.</summary>
/// <param name="Identities">As "x509.subject: C=DE, O=Example"; "*" for anyone that the authorities know.</param>
internal sealed record SignedByNotation(IReadOnlyList<string> AuthorityPems, IReadOnlyList<string> Identities) : TrustRequirement;

/// <summary>
/// What must be proved of an image before it is used, by registry and repository, in the format that Podman and CRI-O have
/// (containers-policy.json(5)); the longest scope that fits counts. Read anew for each pull.
/// </summary>
public sealed class TrustPolicy(string file, bool mayBeMissing)
{
    private static readonly string[] _types = ["insecureAcceptAnything", "reject", "sigstoreSigned", "signedBy"];

    /// <summary>What is asked of an image; all of it has to be met.</summary>
    /// <exception cref="SignatureInvalidException">The policy cannot be read: then nothing can be trusted.</exception>
    internal IReadOnlyList<TrustRequirement> For(ImageReference image)
    {
        if (!File.Exists(file))
            return mayBeMissing ? [new AcceptAnything()] : throw Wrong("it is configured and does not exist");
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(file), new JsonDocumentOptions { MaxDepth = 32, AllowDuplicateProperties = false, CommentHandling = JsonCommentHandling.Skip });
            return Read(Find(json.RootElement, image));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or IOException or UnauthorizedAccessException)
        {
            throw Wrong(e.Message);
        }
    }

    private JsonElement Find(JsonElement root, ImageReference image)
    {
        if (root.TryGetProperty("transports", out var transports) && transports.TryGetProperty("docker", out var scopes))
        {
            foreach (var scope in Scopes(image))
            {
                if (scopes.TryGetProperty(scope, out var found))
                    return found;
            }
        }
        return root.TryGetProperty("default", out var common) ? common : throw Wrong("it has no default");
    }

    /// <summary>From the whole name to the registry, then wildcards of its domain, then everything.</summary>
    private static IEnumerable<string> Scopes(ImageReference image)
    {
        yield return image.ToString();
        for (var name = image.Name; ; name = name[..name.LastIndexOf('/')])
        {
            yield return name;
            if (!name.Contains('/', StringComparison.Ordinal))
                break;
        }
        var host = image.Registry.Split(':')[0];
        for (var dot = host.IndexOf('.', StringComparison.Ordinal); dot >= 0; dot = host.IndexOf('.', dot + 1))
            yield return "*" + host[dot..];
        yield return "";
    }

    private List<TrustRequirement> Read(JsonElement list)
    {
        var requirements = list.EnumerateArray().Select(Requirement).ToList();
        return requirements.Count > 0 ? requirements : throw Wrong("a list of requirements is empty");
    }

    private TrustRequirement Requirement(JsonElement item) => Text(item, "type") switch
    {
        "insecureAcceptAnything" => new AcceptAnything(),
        "reject" => new RejectAll(),
        "sigstoreSigned" => Sigstore(item),
        "signedBy" => Text(item, "keyType") switch
        {
            "SigstoreKeys" or "cosign" => Sigstore(item),
            "notation" or "X509" => new SignedByNotation([.. Pems(item, "caPath", "caPaths", "caData").Select(pem => pem.Pem)], Texts(item, "trustedIdentities") is { Count: > 0 } given ? given : ["*"]),
            var other when other.Contains("GPG", StringComparison.OrdinalIgnoreCase) => throw Wrong($"signedBy asks for GPG keys ('{other}'), which Gantry does not read: have the image signed with cosign or notation"),
            var other => throw Wrong($"signedBy has the keyType '{other}', and Gantry knows SigstoreKeys and notation"),
        },
        var type => throw Wrong($"'{type}' is no type of requirement: {string.Join(", ", _types)}"),
    };

    private SignedBySigstore Sigstore(JsonElement item)
    {
        var keys = Pems(item, "keyPath", "keyPaths", "keyData");
        var rekor = Pems(item, "rekorPublicKeyPath", "rekorPublicKeyPaths", "rekorPublicKeyData") is [var log, ..] ? log.Pem : "";
        FulcioTrust? fulcio = null;
        if (item.TryGetProperty("fulcio", out var given))
        {
            if (rekor.Length == 0)
                throw Wrong("fulcio needs rekorPublicKeyPath: without the log nothing tells when a short-lived certificate was used");
            fulcio = new FulcioTrust(Pems(given, "caPath", "caPaths", "caData")[0].Pem, Text(given, "oidcIssuer"), Text(given, "subjectEmail"));
            if (fulcio.OidcIssuer.Length == 0 || fulcio.Subject.Length == 0)
                throw Wrong("fulcio needs oidcIssuer and subjectEmail: anybody gets a certificate from it");
        }
        if (keys.Count == 0 && fulcio is null)
            throw Wrong("sigstoreSigned needs keyPath, keyData or fulcio");
        return new SignedBySigstore(keys, fulcio, rekor, Repository(item));
    }

    /// <summary>Of which repository the signature must speak. What is not understood must not be taken for less than it asks.</summary>
    private string Repository(JsonElement item)
    {
        if (!item.TryGetProperty("signedIdentity", out var identity))
            return "";
        return Text(identity, "type") switch
        {
            "matchRepository" or "matchRepoDigestOrExact" => "",
            "exactRepository" when Text(identity, "dockerRepository") is { Length: > 0 } repository => repository,
            var type => throw Wrong($"signedIdentity has the type '{type}', and Gantry knows matchRepository, matchRepoDigestOrExact and exactRepository with a dockerRepository"),
        };
    }

    private static List<(string Pem, string Source)> Pems(JsonElement item, string path, string paths, string data)
    {
        var found = Texts(item, paths).Concat(Text(item, path) is { Length: > 0 } one ? [one] : []).Select(name => (File.ReadAllText(name), name)).ToList();
        if (Text(item, data) is { Length: > 0 } inline)
            found.Add((System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(inline)), "the policy"));
        return found;
    }

    private SignatureInvalidException Wrong(string what) => new($"the signature policy {file} cannot be used: {what}; no image is pulled until it is corrected");

    private static string Text(JsonElement item, string name) =>
        item.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString()! : "";

    private static List<string> Texts(JsonElement item, string name) => item.TryGetProperty(name, out var list) && list.ValueKind is JsonValueKind.Array
        ? [.. list.EnumerateArray().Select(text => text.GetString() ?? "")]
        : [];
}
