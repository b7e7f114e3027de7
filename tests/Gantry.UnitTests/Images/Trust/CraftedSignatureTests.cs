using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Gantry.Identity;
using Gantry.Images.Trust;
using Gantry.UnitTests.Fakes;
using Xunit;

namespace Gantry.UnitTests.Images.Trust;

/// <summary>
/// S15: signatures are parsed in managed code, by nothing that could corrupt the daemon's memory: whatever is done to one, it is
/// refused or cannot be read, and is never believed for anything but what was signed.
/// </summary>
public sealed class CraftedSignatureTests : IDisposable
{
    private const string CodeSigning = "1.3.6.1.5.5.7.3.3";
    private const int Mutations = 1500;
    private static readonly Digest _image = Digest.Compute([1]);
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly TestCertificates _authority = new("CN=vendor");

    public void Dispose()
    {
        _key.Dispose();
        _authority.Dispose();
    }

    [Fact]
    public void S15_SigstoreDocument_AnyChange_IsRefused()
    {
        var document = Encoding.UTF8.GetBytes($$"""{"critical":{"identity":{"docker-reference":"registry.test/app"},"image":{"docker-manifest-digest":"{{_image.Value}}"},"type":"cosign container image signature"} }""");
        var signature = Convert.ToBase64String(_key.SignData(document, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
        var annotations = new Dictionary<string, string> { ["dev.cosignproject.cosign/signature"] = signature };
        var requirement = new SignedBySigstore([(_key.ExportSubjectPublicKeyInfoPem(), "test")], null, "", "");

        string? Check(byte[] bytes) => SigstoreSignature.FromDocument(bytes, annotations)
            .SignerFor(requirement, Gantry.Images.ImageReference.Parse("registry.test/app:1"), [_image], []);

        Assert.Equal("key test", Check(document));
        // All of the document is signed: nothing of it can be changed and still count.
        Assert.All(Mutated(document), bytes => Assert.Null(Try(() => Check(bytes))));
    }

    [Fact]
    public void S15_SigstoreAnnotations_AnyChange_NeverNamesAnotherSigner()
    {
        var document = Encoding.UTF8.GetBytes($$"""{"critical":{"identity":{"docker-reference":"registry.test/app"},"image":{"docker-manifest-digest":"{{_image.Value}}"} } }""");
        using var certificate = _authority.Issue("CN=dev", [], purposes: [CodeSigning]);
        var annotations = new JsonObject
        {
            ["dev.cosignproject.cosign/signature"] = Convert.ToBase64String(_key.SignData(document, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)),
            ["dev.sigstore.cosign/certificate"] = certificate.ExportCertificatePem(),
            ["dev.sigstore.cosign/bundle"] = """{"SignedEntryTimestamp":"AAAA","Payload":{"body":"AAAA","integratedTime":1,"logIndex":5,"logID":"c0ffee"}}""",
        };
        var rekor = _key.ExportSubjectPublicKeyInfoPem();
        var requirement = new SignedBySigstore([], new FulcioTrust(_authority.AuthorityPem, "https://issuer.test", "dev@example.test"), rekor, "");

        Assert.All(Mutated(Encoding.UTF8.GetBytes(annotations.ToJsonString())), bytes => Assert.Null(Try(() =>
        {
            var changed = JsonNode.Parse(bytes)!.AsObject().ToDictionary(item => item.Key, item => (string?)item.Value ?? "");
            return SigstoreSignature.FromDocument(document, changed).SignerFor(requirement, Gantry.Images.ImageReference.Parse("registry.test/app:1"), [_image], []);
        })));
    }

    [Fact]
    public void S15_NotationEnvelope_AnyChange_NeverNamesAnotherSigner()
    {
        using var certificate = _authority.Issue("CN=release, O=Vendor", [], purposes: [CodeSigning]);
        var header = Base64Url("""{"alg":"ES256","crit":["io.cncf.notary.signingScheme"],"io.cncf.notary.signingScheme":"notary.x509"}""");
        var payload = Base64Url($$"""{"targetArtifact":{"digest":"{{_image.Value}}"} }""");
        using var key = certificate.GetECDsaPrivateKey()!;
        var envelope = Encoding.UTF8.GetBytes(new JsonObject
        {
            ["payload"] = payload,
            ["protected"] = header,
            ["header"] = new JsonObject { ["x5c"] = new JsonArray(Convert.ToBase64String(certificate.RawData)) },
            ["signature"] = System.Buffers.Text.Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes($"{header}.{payload}"), HashAlgorithmName.SHA256)),
        }.ToJsonString());
        var requirement = new SignedByNotation([_authority.AuthorityPem], ["*"]);

        string? Check(byte[] bytes) => NotationSignature.Read(bytes).SignerFor(requirement, [_image], DateTimeOffset.UnixEpoch.AddYears(55), []);

        var signer = Check(envelope);
        Assert.Contains("O=Vendor", signer, StringComparison.Ordinal);
        // A change outside of what is signed, as of a base64 text's spare bits, may leave it as good as it was.
        Assert.All(Mutated(envelope), bytes => Assert.Contains(Try(() => Check(bytes)), new[] { null, signer }));
    }

    [Fact]
    public void S15_NoNativeSignatureLibrary_IsInTheProcess() =>
        Assert.DoesNotContain(File.ReadLines("/proc/self/maps"), line => line.Contains("gpgme", StringComparison.Ordinal) || line.Contains("gcrypt", StringComparison.Ordinal));

    /// <summary>Null where it cannot be read; anything else that is thrown fails the test.</summary>
    private static string? Try(Func<string?> check)
    {
        try
        {
            return check();
        }
        catch (Exception e) when (SigstoreSignature.IsUnreadable(e))
        {
            return null;
        }
    }

    /// <summary>Bytes changed, left out, doubled, and cut off: the same ones in each run.</summary>
    private static IEnumerable<byte[]> Mutated(byte[] valid)
    {
        var random = new Random(15);
        for (var n = 0; n < Mutations; n++)
        {
            var at = random.Next(valid.Length);
            yield return (n % 4) switch
            {
                0 => [.. valid[..at], (byte)(valid[at] ^ (1 + random.Next(255))), .. valid[(at + 1)..]],
                1 => valid[..at],
                2 => [.. valid[..at], .. valid[(at + 1)..]],
                _ => [.. valid[..at], .. valid[at..Math.Min(valid.Length, at + 1 + random.Next(9))], .. valid[at..]],
            };
        }
    }

    private static string Base64Url(string json) => System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
