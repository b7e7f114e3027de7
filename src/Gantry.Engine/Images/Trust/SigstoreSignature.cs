using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Gantry.Identity;

namespace Gantry.Images.Trust;

/// <summary>
/// One sigstore signature of an image, of either form: a simple-signing document with annotations (cosign's first), or a
/// bundle with an in-toto statement (cosign's newer). Says whether a requirement is met by it, or why not.
/// </summary>
internal sealed record SigstoreSignature(byte[] Signed, string SignatureBase64, X509Certificate2? Certificate, IReadOnlyList<X509Certificate2> Between, LogEntry? Entry, IReadOnlyList<string> Digests, string Repository)
{
    /// <summary>The predicate of a signature; other statements, as of contents, prove nothing of who made the image.</summary>
    private const string SignPredicate = "https://sigstore.dev/cosign/sign/v1";

    private const string NotInLog = "the log's entry is missing, or is not by the log's key or of this signature";

    /// <summary>Reads a simple-signing document with the annotations of its descriptor.</summary>
    public static SigstoreSignature FromDocument(byte[] document, IReadOnlyDictionary<string, string> annotations)
    {
        using var json = JsonDocument.Parse(document, new JsonDocumentOptions { MaxDepth = 32, AllowDuplicateProperties = false });
        var critical = json.RootElement.GetProperty("critical");
        var digest = critical.GetProperty("image").GetProperty("docker-manifest-digest").GetString() ?? "";
        var repository = critical.GetProperty("identity").GetProperty("docker-reference").GetString() ?? "";
        return new SigstoreSignature(
            document, annotations.GetValueOrDefault("dev.cosignproject.cosign/signature") ?? "",
            annotations.GetValueOrDefault("dev.sigstore.cosign/certificate") is { } pem ? X509Certificate2.CreateFromPem(pem) : null,
            annotations.GetValueOrDefault("dev.sigstore.cosign/chain") is { } chain ? Certificates(chain) : [],
            annotations.GetValueOrDefault("dev.sigstore.cosign/bundle") is { } bundle ? LogEntry.FromAnnotation(bundle) : null,
            [digest], repository);
    }

    /// <summary>Reads a sigstore bundle (protobuf-specs, sigstore_bundle.proto, as JSON); null for one that signs no image.</summary>
    public static SigstoreSignature? FromBundle(byte[] bundle)
    {
        using var json = JsonDocument.Parse(bundle, new JsonDocumentOptions { MaxDepth = 64, AllowDuplicateProperties = false });
        if (!json.RootElement.TryGetProperty("dsseEnvelope", out var envelope))
            return null;
        var payload = Convert.FromBase64String(envelope.GetProperty("payload").GetString() ?? "");
        var type = envelope.GetProperty("payloadType").GetString() ?? "";
        using var statement = JsonDocument.Parse(payload, new JsonDocumentOptions { MaxDepth = 32, AllowDuplicateProperties = false });
        if (type != "application/vnd.in-toto+json" || statement.RootElement.GetProperty("predicateType").GetString() != SignPredicate)
            return null;
        var material = json.RootElement.GetProperty("verificationMaterial");
        var certificates = CertificatesOf(material);
        return new SigstoreSignature(
            // The bytes that are signed are not the payload but this (DSSE, "protocol.md").
            [.. Encoding.UTF8.GetBytes($"DSSEv1 {Encoding.UTF8.GetByteCount(type)} {type} {payload.Length} "), .. payload],
            envelope.GetProperty("signatures")[0].GetProperty("sig").GetString() ?? "",
            certificates.Count > 0 ? certificates[0] : null, [.. certificates.Skip(1)],
            material.TryGetProperty("tlogEntries", out var entries) && entries.GetArrayLength() > 0 ? LogEntry.FromBundle(entries[0]) : null,
            [.. statement.RootElement.GetProperty("subject").EnumerateArray().Select(subject => "sha256:" + subject.GetProperty("digest").GetProperty("sha256").GetString())],
            "");
    }

    /// <summary>Who signed, as "key /etc/keys/team.pub"; or null, and why it does not count.</summary>
    public string? SignerFor(SignedBySigstore requirement, ImageReference image, IReadOnlyCollection<Digest> digests, List<string> problems)
    {
        if (!Digests.Any(text => Digest.TryParse(text, out var digest) && digests.Contains(digest)))
            return Refuse(problems, "it is a signature of another image");
        var expected = requirement.Repository.Length > 0 ? requirement.Repository : image.Name;
        // A bundle's statement names digests alone.
        if (Repository.Length > 0 && ImageReference.TryParse(Repository, out _)?.Name != expected)
            return Refuse(problems, $"it is for {Repository}, and not for {expected}");
        var signature = Convert.FromBase64String(SignatureBase64);
        foreach (var (pem, source) in requirement.Keys)
        {
            if (!CertificateTrust.IsSignedBy(pem, Signed, signature))
                continue;
            return requirement.RekorKeyPem.Length == 0 || Entry?.TimeOf(SignatureBase64, requirement.RekorKeyPem) is not null
                ? $"key {source}"
                : Refuse(problems, NotInLog);
        }
        if (requirement.Fulcio is not { } fulcio)
            return Refuse(problems, "it is not by a key of the policy");
        if (Certificate is null)
            return Refuse(problems, "it has no certificate");
        return ProblemWith(fulcio, requirement.RekorKeyPem, signature) is { } problem ? Refuse(problems, problem) : $"{fulcio.Subject} ({fulcio.OidcIssuer})";
    }

    private string? ProblemWith(FulcioTrust fulcio, string rekorKeyPem, byte[] signature)
    {
        if (Entry?.TimeOf(SignatureBase64, rekorKeyPem) is not { } time)
            return NotInLog;
        if (CertificateTrust.ProblemOf(Certificate!, Between, fulcio.AuthorityPem, time) is { } chain)
            return $"its certificate does not count: {chain}";
        if (CertificateTrust.IssuerOf(Certificate!) is var issuer && issuer != fulcio.OidcIssuer)
            return $"its certificate was issued through {issuer}, and not {fulcio.OidcIssuer}";
        if (!CertificateTrust.SubjectsOf(Certificate!).Contains(fulcio.Subject))
            return $"its certificate is {string.Join(", ", CertificateTrust.SubjectsOf(Certificate!))}'s, and not {fulcio.Subject}'s";
        return CertificateTrust.IsSignedBy(Certificate!, Signed, signature) ? null : "it is not by its certificate's key";
    }

    private static string? Refuse(List<string> problems, string problem)
    {
        problems.Add(problem);
        return null;
    }

    private static List<X509Certificate2> CertificatesOf(JsonElement material)
    {
        if (material.TryGetProperty("certificate", out var one))
            return [OneCertificate(one)];
        return material.TryGetProperty("x509CertificateChain", out var chain) ? [.. chain.GetProperty("certificates").EnumerateArray().Select(OneCertificate)] : [];
    }

    private static X509Certificate2 OneCertificate(JsonElement item) => X509CertificateLoader.LoadCertificate(Convert.FromBase64String(item.GetProperty("rawBytes").GetString() ?? ""));

    private static List<X509Certificate2> Certificates(string pem)
    {
        var found = new X509Certificate2Collection();
        found.ImportFromPem(pem);
        return [.. found];
    }

    /// <summary>What a damaged or hostile signature document makes parsers throw.</summary>
    internal static bool IsUnreadable(Exception e) =>
        e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or CryptographicException or ArgumentException or IndexOutOfRangeException
            or System.Formats.Asn1.AsnContentException or OverflowException;
}
