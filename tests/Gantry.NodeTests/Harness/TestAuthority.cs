using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Gantry.NodeTests.Harness;

/// <summary>An authority of a test, and what it signs for 127.0.0.1.</summary>
internal static class TestAuthority
{
    public static X509Certificate2 New()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
    }

    /// <summary>ca.crt, and a certificate and key for each name, as NAME.crt and NAME.key.</summary>
    public static void WriteFiles(X509Certificate2 authority, string folder, params string[] names)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText($"{folder}/ca.crt", authority.ExportCertificatePem());
        foreach (var name in names)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
            var addresses = new SubjectAlternativeNameBuilder();
            addresses.AddIpAddress(IPAddress.Loopback);
            request.CertificateExtensions.Add(addresses.Build());
            using var certificate = request.Create(authority, authority.NotBefore, authority.NotAfter, RandomNumberGenerator.GetBytes(8));
            File.WriteAllText($"{folder}/{name}.crt", certificate.ExportCertificatePem());
            File.WriteAllText($"{folder}/{name}.key", key.ExportPkcs8PrivateKeyPem());
        }
    }
}
