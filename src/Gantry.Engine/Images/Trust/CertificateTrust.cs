using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Gantry.Images.Trust;

/// <summary>Checks certificates of signatures, and signatures by keys.</summary>
internal static class CertificateTrust
{
    private const string CodeSigning = "1.3.6.1.5.5.7.3.3";

    /// <summary>Fulcio's extensions: the OIDC issuer, as it was at first and as DER.</summary>
    private const string OldIssuer = "1.3.6.1.4.1.57264.1.1";
    private const string NewIssuer = "1.3.6.1.4.1.57264.1.8";
    private const string AlternativeName = "2.5.29.17";

    /// <summary>Whether one of the authorities issued the certificate for signing code, and it was valid at that time; null, or why not.</summary>
    public static string? ProblemOf(X509Certificate2 leaf, IEnumerable<X509Certificate2> between, string authorityPems, DateTimeOffset at)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.ImportFromPem(authorityPems);
        chain.ChainPolicy.ExtraStore.AddRange(between.ToArray());
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = at.UtcDateTime;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(CodeSigning));
        chain.ChainPolicy.DisableCertificateDownloads = true;
        return chain.Build(leaf) ? null : string.Join(", ", chain.ChainStatus.Select(status => status.StatusInformation.Trim()).Distinct());
    }

    /// <summary>The names that Fulcio gave the certificate for: addresses and URIs.</summary>
    public static IReadOnlyList<string> SubjectsOf(X509Certificate2 certificate)
    {
        var names = new List<string>();
        foreach (var extension in certificate.Extensions.Where(extension => extension.Oid?.Value == AlternativeName))
        {
            var reader = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
            while (reader.HasData)
            {
                var tag = reader.PeekTag();
                // rfc822Name and uniformResourceIdentifier (RFC 5280, "GeneralName").
                if (tag is { TagClass: TagClass.ContextSpecific, TagValue: 1 or 6 })
                    names.Add(reader.ReadCharacterString(UniversalTagNumber.IA5String, tag));
                else
                    reader.ReadEncodedValue();
            }
        }
        return names;
    }

    /// <summary>Who vouched to Fulcio for the signer; empty where the certificate does not say.</summary>
    public static string IssuerOf(X509Certificate2 certificate)
    {
        foreach (var extension in certificate.Extensions)
        {
            if (extension.Oid?.Value == NewIssuer)
                return new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadCharacterString(UniversalTagNumber.UTF8String);
        }
        return certificate.Extensions.FirstOrDefault(extension => extension.Oid?.Value == OldIssuer) is { } old ? Encoding.UTF8.GetString(old.RawData) : "";
    }

    /// <summary>Whether a signature over SHA-256 is by the PEM key: ECDSA in DER form, or RSA.</summary>
    public static bool IsSignedBy(string keyPem, ReadOnlySpan<byte> content, ReadOnlySpan<byte> signature)
    {
        try
        {
            using var ecdsa = ECDsa.Create();
            ecdsa.ImportFromPem(keyPem);
            return ecdsa.VerifyData(content, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return IsSignedByRsa(keyPem, content, signature);
        }
    }

    /// <summary>Whether a signature is by the certificate's key.</summary>
    public static bool IsSignedBy(X509Certificate2 certificate, ReadOnlySpan<byte> content, ReadOnlySpan<byte> signature) =>
        IsSignedBy(certificate.PublicKey.ExportSubjectPublicKeyInfo() is var key ? PemEncoding.WriteString("PUBLIC KEY", key) : "", content, signature);

    private static bool IsSignedByRsa(string keyPem, ReadOnlySpan<byte> content, ReadOnlySpan<byte> signature)
    {
        try
        {
            using var rsa = RSA.Create();
            rsa.ImportFromPem(keyPem);
            return rsa.VerifyData(content, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return false;
        }
    }
}
