using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Gantry.Identity;

namespace Gantry.Images.Trust;

/// <summary>A notation signature in a JWS envelope (notaryproject/specifications, "signature-envelope-jws.md").</summary>
internal sealed class NotationSignature
{
    private static readonly string[] _understood = ["io.cncf.notary.signingScheme", "io.cncf.notary.signingTime", "io.cncf.notary.expiry"];
    private readonly byte[] _signed;
    private readonly byte[] _signature;
    private readonly string _algorithm;
    private readonly IReadOnlyList<X509Certificate2> _chain;
    private readonly string _digest;
    private readonly DateTimeOffset? _expiry;
    private readonly IReadOnlyList<string> _critical;

    private NotationSignature(JsonElement envelope)
    {
        var header = envelope.GetProperty("protected").GetString() ?? "";
        var payload = envelope.GetProperty("payload").GetString() ?? "";
        _signed = Encoding.ASCII.GetBytes($"{header}.{payload}");
        _signature = System.Buffers.Text.Base64Url.DecodeFromChars(envelope.GetProperty("signature").GetString());
        _chain = [.. envelope.GetProperty("header").GetProperty("x5c").EnumerateArray().Select(item => X509CertificateLoader.LoadCertificate(Convert.FromBase64String(item.GetString() ?? "")))];
        using var protectedHeader = Parse(header);
        var root = protectedHeader.RootElement;
        _algorithm = root.GetProperty("alg").GetString() ?? "";
        _critical = [.. root.GetProperty("crit").EnumerateArray().Select(item => item.GetString() ?? "")];
        _expiry = root.TryGetProperty("io.cncf.notary.expiry", out var expiry) ? expiry.GetDateTimeOffset() : null;
        using var content = Parse(payload);
        _digest = content.RootElement.GetProperty("targetArtifact").GetProperty("digest").GetString() ?? "";
    }

    public static NotationSignature Read(byte[] envelope)
    {
        using var json = JsonDocument.Parse(envelope, new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false });
        return new NotationSignature(json.RootElement);
    }

    /// <summary>Who signed; or null, and why it does not count.</summary>
    public string? SignerFor(SignedByNotation requirement, IReadOnlyCollection<Digest> digests, DateTimeOffset now, List<string> problems)
    {
        var problem = ProblemWith(requirement, digests, now);
        if (problem is null)
            return _chain[0].Subject;
        problems.Add(problem);
        return null;
    }

    private string? ProblemWith(SignedByNotation requirement, IReadOnlyCollection<Digest> digests, DateTimeOffset now)
    {
        if (!Digest.TryParse(_digest, out var digest) || !digests.Contains(digest))
            return "it is a signature of another image";
        if (_critical.FirstOrDefault(name => !_understood.Contains(name)) is { } unknown)
            return $"it asks for '{unknown}', which is not understood";
        if (_expiry is { } expiry && expiry <= now)
            return $"it expired at {expiry:u}";
        if (_chain.Count == 0)
            return "it has no certificate";
        if (CertificateTrust.ProblemOf(_chain[0], _chain.Skip(1), string.Join('\n', requirement.AuthorityPems), now) is { } chain)
            return $"its certificate does not count: {chain}";
        if (!requirement.Identities.Any(identity => identity == "*" || IsNamed(identity)))
            return $"its certificate is {_chain[0].Subject}'s, whom the policy does not name";
        return IsSigned() ? null : "it is not by its certificate's key";
    }

    /// <summary>Every part that the policy names is in the certificate's subject.</summary>
    private bool IsNamed(string identity)
    {
        const string Prefix = "x509.subject:";
        if (!identity.StartsWith(Prefix, StringComparison.Ordinal))
            return false;
        var wanted = Parts(new X500DistinguishedName(identity[Prefix.Length..].Trim()));
        var own = Parts(_chain[0].SubjectName);
        return wanted.Count > 0 && wanted.All(own.Contains);
    }

    private static List<(string?, string?)> Parts(X500DistinguishedName name) =>
        [.. name.EnumerateRelativeDistinguishedNames().Select(part => (part.GetSingleElementType().Value, part.GetSingleElementValue()))];

    private bool IsSigned()
    {
        var hash = _algorithm[^3..] switch { "256" => HashAlgorithmName.SHA256, "384" => HashAlgorithmName.SHA384, _ => HashAlgorithmName.SHA512 };
        switch (_algorithm)
        {
            case "PS256" or "PS384" or "PS512":
                using (var rsa = _chain[0].GetRSAPublicKey())
                    return rsa?.VerifyData(_signed, _signature, hash, RSASignaturePadding.Pss) ?? false;
            case "ES256" or "ES384" or "ES512":
                using (var ecdsa = _chain[0].GetECDsaPublicKey())
                    return ecdsa?.VerifyData(_signed, _signature, hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation) ?? false;
            default:
                return false;
        }
    }

    private static JsonDocument Parse(string base64) =>
        JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(base64), new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false });
}
