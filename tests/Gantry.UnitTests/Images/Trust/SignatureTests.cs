using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.UnitTests.Fakes;
using Gantry.UnitTests.Images.Pulling;
using Gantry.UnitTests.Images.Registry;
using Xunit;

namespace Gantry.UnitTests.Images.Trust;

/// <summary>Signature policies, enforced by whole pulls.</summary>
public sealed class SignatureTests : IDisposable
{
    private const string CodeSigning = "1.3.6.1.5.5.7.3.3";
    private const string SimpleSigning = "application/vnd.dev.cosign.simplesigning.v1+json";
    private const string Bundle = "application/vnd.dev.sigstore.bundle.v0.3+json";
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDsa _rekor = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly TestCertificates _authority = new("CN=fulcio");

    public void Dispose()
    {
        _key.Dispose();
        _rekor.Dispose();
        _authority.Dispose();
    }

    [Fact]
    public async Task Policy_Reject_RefusesWithTheKubeletsReason()
    {
        await using var node = await StartAsync("""[{"type":"reject"}]""");

        await Assert.ThrowsAsync<SignatureInvalidException>(() => node.PullAsync());

        Assert.Empty(node.Images.List());
        Assert.DoesNotContain(node.Registry.Seen, request => request.Path.EndsWith(Digest.Compute(ImageFixture.ThreeLayers()[0].Blob).Value, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Policy_LongestScope_Counts()
    {
        await using var node = await StartAsync("""[{"type":"reject"}]""");
        File.WriteAllText(node.PolicyFile, $$"""
            {"default":[{"type":"reject"}],"transports":{"docker":{
              "{{node.Registry.Host}}":[{"type":"reject"}],
              "{{node.Registry.Host}}/team":[{"type":"insecureAcceptAnything"}] } } }
            """);

        Assert.Equal("", (await node.PullAsync()).Trust);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("""{"default":[]}""")]
    [InlineData("""{"default":[{"type":"whatever"}]}""")]
    [InlineData("""{"default":[{"type":"signedBy","keyType":"GPGKeys","keyPath":"/x"}]}""")]
    [InlineData("""{"default":[{"type":"sigstoreSigned","keyPath":"/does/not/exist"}]}""")]
    [InlineData("{}")]
    public async Task Policy_ThatCannotBeUsed_TrustsNothing(string policy)
    {
        await using var node = await StartAsync("""[{"type":"reject"}]""");
        File.WriteAllText(node.PolicyFile, policy);

        var failure = await Assert.ThrowsAsync<SignatureInvalidException>(() => node.PullAsync());

        Assert.Contains(node.PolicyFile, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""[{"type":"signedBy","keyType":"GPGKeys","keyPath":"/x"}]""", "GPG keys")]
    [InlineData("""[{"type":"signedBy","keyType":"signedByGPGKeys","keyPath":"/x"}]""", "GPG keys")]
    [InlineData("""[{"type":"signedBy","keyType":"X509Certificates","keyPath":"/x"}]""", "X509Certificates")]
    [InlineData("""[{"type":"sigstoreSigned","keyData":"QQ==","signedIdentity":{"type":"matchExact"}}]""", "matchExact")]
    [InlineData("""[{"type":"sigstoreSigned","keyData":"QQ==","signedIdentity":{"type":"remapIdentity"}}]""", "remapIdentity")]
    [InlineData("""[{"type":"sigstoreSigned","keyData":"QQ==","signedIdentity":{"type":"exactRepository"}}]""", "dockerRepository")]
    public async Task Policy_ThatAsksForWhatIsNotSupported_NamesItAndTrustsNothing(string requirements, string named)
    {
        await using var node = await StartAsync(requirements);

        var failure = await Assert.ThrowsAsync<SignatureInvalidException>(() => node.PullAsync());

        Assert.Contains(named, failure.Message, StringComparison.Ordinal);
        Assert.Empty(node.Images.List());
    }

    [Fact]
    public async Task Notation_CoseEnvelope_IsNamedAndRefused()
    {
        await using var node = await StartAsync("""[{"type":"reject"}]""");
        WritePolicy(node, $$"""[{"type":"signedBy","keyType":"notation","caPath":"{{node.Root}}/ca.pem"}]""");
        AddReferrer(node, ManifestOf(node), "application/vnd.cncf.notary.signature", "application/cose", [0xd2, 0x84], byTag: true);

        var failure = await Assert.ThrowsAsync<SignatureInvalidException>(() => node.PullAsync());

        Assert.Contains("COSE", failure.Message, StringComparison.Ordinal);
        Assert.Contains("jws", failure.Message, StringComparison.Ordinal);
        Assert.Empty(node.Images.List());
    }

    [Theory]
    [InlineData("in the log", true)]
    [InlineData("in another log", false)]
    [InlineData("in none", false)]
    public async Task Cosign_SignatureByKeyWithALog_MustBeInIt(string where, bool isTrusted)
    {
        await using var node = await StartAsync("""[{"type":"reject"}]""");
        WritePolicy(node, new JsonArray(new JsonObject
        {
            ["type"] = "sigstoreSigned",
            ["keyData"] = Data(_key.ExportSubjectPublicKeyInfoPem()),
            ["rekorPublicKeyData"] = Data(_rekor.ExportSubjectPublicKeyInfoPem()),
        }).ToJsonString());
        var digest = ManifestOf(node);
        var payload = Payload(digest, $"{node.Registry.Host}/team/app");
        var signature = Sign(_key, payload);
        using var otherLog = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        AddSimpleSigning(node, digest, payload, signature, where == "in none" ? [] : LogAnnotation(signature, DateTimeOffset.UnixEpoch.AddYears(55), where == "in the log" ? _rekor : otherLog));

        if (isTrusted)
            Assert.Contains("policy", (await node.PullAsync()).Trust, StringComparison.Ordinal);
        else
            await Assert.ThrowsAsync<SignatureInvalidException>(() => node.PullAsync());
    }

    [Fact]
    public async Task Cosign_NoSignature_IsRefused()
    {
        await using var node = await StartAsync(KeyPolicy());

        await Assert.ThrowsAsync<SignatureInvalidException>(() => node.PullAsync());
    }

    [Theory]
    [InlineData("good", true)]
    [InlineData("of another key", false)]
    [InlineData("of another image", false)]
    [InlineData("for another repository", false)]
    [InlineData("changed after it was signed", false)]
    [InlineData("garbage", false)]
    public async Task Cosign_SignatureByKey_CountsOnlyForThisImage(string kind, bool isTrusted)
    {
        await using var node = await StartAsync(KeyPolicy());
        var digest = ManifestOf(node);
        var payload = Payload(kind == "of another image" ? Digest.Compute([7]) : digest, kind == "for another repository" ? "other.test/app" : $"{node.Registry.Host}/team/app");
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var signature = Sign(kind == "of another key" ? other : _key, payload);
        if (kind == "changed after it was signed")
            payload = [.. payload, (byte)' '];
        AddSimpleSigning(node, digest, payload, kind == "garbage" ? "%%%" : signature, []);

        if (isTrusted)
        {
            var image = await node.PullAsync();
            Assert.Contains("policy", image.Trust, StringComparison.Ordinal);
            await node.RestartAsync();
            Assert.Equal(image.Trust, Assert.Single(node.Images.List()).Trust);
        }
        else
        {
            await Assert.ThrowsAsync<SignatureInvalidException>(() => node.PullAsync());
        }
    }

    [Theory]
    [InlineData("good", true)]
    [InlineData("another subject", false)]
    [InlineData("another issuer", false)]
    [InlineData("another authority", false)]
    [InlineData("used after its certificate ended", false)]
    [InlineData("log entry of another signature", false)]
    [InlineData("log entry by another log", false)]
    [InlineData("no log entry", false)]
    public async Task Cosign_Keyless_NeedsAuthorityLogAndIdentity(string kind, bool isTrusted)
    {
        await using var node = await StartAsync(FulcioPolicy());
        var digest = ManifestOf(node);
        using var stranger = new TestCertificates("CN=stranger");
        using var certificate = Fulcio(
            kind == "another authority" ? stranger : _authority, kind == "another subject" ? "eve@example.test" : "dev@example.test",
            kind == "another issuer" ? "https://evil.test" : "https://accounts.example.test");
        var payload = Payload(digest, $"{node.Registry.Host}/team/app");
        using var key = certificate.GetECDsaPrivateKey()!;
        var signature = Sign(key, payload);
        var at = kind == "used after its certificate ended" ? DateTimeOffset.Parse("2098-06-01T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture) : DateTimeOffset.UnixEpoch.AddYears(55);
        using var otherLog = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var annotations = kind == "no log entry" ? [] : LogAnnotation(kind == "log entry of another signature" ? "AAAA" : signature, at, kind == "log entry by another log" ? otherLog : _rekor);
        annotations["dev.sigstore.cosign/certificate"] = certificate.ExportCertificatePem();
        AddSimpleSigning(node, digest, payload, signature, annotations);

        if (isTrusted)
            Assert.Contains("dev@example.test", (await node.PullAsync()).Trust, StringComparison.Ordinal);
        else
            await Assert.ThrowsAsync<SignatureInvalidException>(() => node.PullAsync());
    }

    [Theory]
    [InlineData("good by referrers", true)]
    [InlineData("good by tag", true)]
    [InlineData("of another image", false)]
    [InlineData("an attestation", false)]
    [InlineData("by a stranger", false)]
    public async Task Cosign_Bundle_IsFoundByReferrersAndByTag(string kind, bool isTrusted)
    {
        await using var node = await StartAsync(FulcioPolicy());
        var digest = ManifestOf(node);
        using var stranger = new TestCertificates("CN=stranger");
        using var certificate = Fulcio(kind == "by a stranger" ? stranger : _authority, "dev@example.test", "https://accounts.example.test");
        var statement = Encoding.UTF8.GetBytes(new JsonObject
        {
            ["_type"] = "https://in-toto.io/Statement/v1",
            ["subject"] = new JsonArray(new JsonObject { ["digest"] = new JsonObject { ["sha256"] = (kind == "of another image" ? Digest.Compute([7]) : digest).Hex } }),
            ["predicateType"] = kind == "an attestation" ? "https://slsa.dev/provenance/v1" : "https://sigstore.dev/cosign/sign/v1",
        }.ToJsonString());
        const string type = "application/vnd.in-toto+json";
        using var key = certificate.GetECDsaPrivateKey()!;
        var signature = Sign(key, [.. Encoding.UTF8.GetBytes($"DSSEv1 {type.Length} {type} {statement.Length} "), .. statement]);
        var at = DateTimeOffset.UnixEpoch.AddYears(55);
        var entry = LogEntry(signature, at, _rekor);
        var bundle = Encoding.UTF8.GetBytes(new JsonObject
        {
            ["mediaType"] = Bundle,
            ["verificationMaterial"] = new JsonObject
            {
                ["certificate"] = new JsonObject { ["rawBytes"] = Convert.ToBase64String(certificate.RawData) },
                ["tlogEntries"] = new JsonArray(new JsonObject
                {
                    ["logIndex"] = "5",
                    ["logId"] = new JsonObject { ["keyId"] = Convert.ToBase64String([0xc0, 0xff, 0xee]) },
                    ["integratedTime"] = $"{at.ToUnixTimeSeconds()}",
                    ["inclusionPromise"] = new JsonObject { ["signedEntryTimestamp"] = entry.Promise },
                    ["canonicalizedBody"] = entry.Body,
                }),
            },
            ["dsseEnvelope"] = new JsonObject { ["payload"] = Convert.ToBase64String(statement), ["payloadType"] = type, ["signatures"] = new JsonArray(new JsonObject { ["sig"] = signature }) },
        }.ToJsonString());
        AddReferrer(node, digest, Bundle, Bundle, bundle, byTag: kind == "good by tag");

        if (isTrusted)
            Assert.Contains("dev@example.test", (await node.PullAsync()).Trust, StringComparison.Ordinal);
        else
            await Assert.ThrowsAsync<SignatureInvalidException>(() => node.PullAsync());
    }

    [Theory]
    [InlineData("good", true)]
    [InlineData("of another image", false)]
    [InlineData("expired", false)]
    [InlineData("by a stranger", false)]
    [InlineData("by somebody else", false)]
    [InlineData("with a demand nobody understands", false)]
    [InlineData("changed", false)]
    public async Task Notation_Jws_IsCheckedAgainstAuthorityAndIdentity(string kind, bool isTrusted)
    {
        await using var node = await StartAsync("""[{"type":"reject"}]""");
        WritePolicy(node, $$"""[{"type":"signedBy","keyType":"notation","caPath":"{{node.Root}}/ca.pem","trustedIdentities":["x509.subject: C=DE, O=Example"]}]""");
        var digest = ManifestOf(node);
        using var stranger = new TestCertificates("CN=stranger");
        var subject = kind == "by somebody else" ? "CN=eve, O=Evil, C=DE" : "CN=release, O=Example, C=DE";
        using var certificate = (kind == "by a stranger" ? stranger : _authority).Issue(subject, [], purposes: [CodeSigning]);
        var header = Base64Url(new JsonObject
        {
            ["alg"] = "ES256",
            ["cty"] = "application/vnd.cncf.notary.payload.v1+json",
            ["crit"] = kind == "with a demand nobody understands" ? new JsonArray("com.example.new") : new JsonArray("io.cncf.notary.signingScheme"),
            ["io.cncf.notary.signingScheme"] = "notary.x509",
            ["io.cncf.notary.expiry"] = kind == "expired" ? "2021-01-01T00:00:00Z" : "2090-01-01T00:00:00Z",
        });
        var payload = Base64Url(new JsonObject { ["targetArtifact"] = new JsonObject { ["digest"] = (kind == "of another image" ? Digest.Compute([7]) : digest).Value } });
        using var key = certificate.GetECDsaPrivateKey()!;
        var signature = key.SignData(Encoding.ASCII.GetBytes($"{header}.{payload}"), HashAlgorithmName.SHA256);
        if (kind == "changed")
            signature[5] ^= 1;
        var envelope = Encoding.UTF8.GetBytes(new JsonObject
        {
            ["payload"] = payload,
            ["protected"] = header,
            ["header"] = new JsonObject { ["x5c"] = new JsonArray(Convert.ToBase64String(certificate.RawData)) },
            ["signature"] = System.Buffers.Text.Base64Url.EncodeToString(signature),
        }.ToJsonString());
        AddReferrer(node, digest, "application/vnd.cncf.notary.signature", "application/jose+json", envelope, byTag: true);

        if (isTrusted)
            Assert.Contains("O=Example", (await node.PullAsync()).Trust, StringComparison.Ordinal);
        else
            await Assert.ThrowsAsync<SignatureInvalidException>(() => node.PullAsync());
    }

    private async Task<ImageFixture> StartAsync(string requirements)
    {
        var node = await ImageFixture.StartAsync();
        node.Serve("team/app", "1", ImageFixture.ThreeLayers());
        File.WriteAllText($"{node.Root}/ca.pem", _authority.AuthorityPem);
        WritePolicy(node, requirements);
        return node;
    }

    private static void WritePolicy(ImageFixture node, string requirements) =>
        File.WriteAllText(node.PolicyFile, "{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"docker\":{\"" + node.Registry.Host + "\":" + requirements + "}}}");

    private string KeyPolicy() => new JsonArray(new JsonObject { ["type"] = "sigstoreSigned", ["keyData"] = Data(_key.ExportSubjectPublicKeyInfoPem()) }).ToJsonString();

    private string FulcioPolicy() => new JsonArray(new JsonObject
    {
        ["type"] = "sigstoreSigned",
        ["fulcio"] = new JsonObject { ["caData"] = Data(_authority.AuthorityPem), ["oidcIssuer"] = "https://accounts.example.test", ["subjectEmail"] = "dev@example.test" },
        ["rekorPublicKeyData"] = Data(_rekor.ExportSubjectPublicKeyInfoPem()),
    }).ToJsonString();

    private static string Data(string pem) => Convert.ToBase64String(Encoding.UTF8.GetBytes(pem));

    /// <summary>A certificate as Fulcio issues them: an address, who vouched for it, and a short life.</summary>
    private static X509Certificate2 Fulcio(TestCertificates authority, string address, string issuer) => authority.Issue(
        "CN=sigstore", [], until: new DateTimeOffset(2090, 1, 1, 0, 0, 0, TimeSpan.Zero), purposes: [CodeSigning], more: request =>
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddEmailAddress(address);
            request.CertificateExtensions.Add(names.Build(critical: true));
            request.CertificateExtensions.Add(new X509Extension("1.3.6.1.4.1.57264.1.1", Encoding.UTF8.GetBytes(issuer), false));
        });

    private (string Body, string Promise) LogEntry(string signature, DateTimeOffset at, ECDsa log)
    {
        _ = _rekor;
        var body = Convert.ToBase64String(Encoding.UTF8.GetBytes($$$"""{"kind":"hashedrekord","spec":{"signature":{"content":"{{{signature}}}"} } }"""));
        return (body, Sign(log, Encoding.UTF8.GetBytes($"{{\"body\":\"{body}\",\"integratedTime\":{at.ToUnixTimeSeconds()},\"logID\":\"c0ffee\",\"logIndex\":5}}")));
    }

    private JsonObject LogAnnotation(string signature, DateTimeOffset at, ECDsa log)
    {
        var entry = LogEntry(signature, at, log);
        return new JsonObject
        {
            ["dev.sigstore.cosign/bundle"] = new JsonObject
            {
                ["SignedEntryTimestamp"] = entry.Promise,
                ["Payload"] = new JsonObject { ["body"] = entry.Body, ["integratedTime"] = at.ToUnixTimeSeconds(), ["logIndex"] = 5, ["logID"] = "c0ffee" },
            }.ToJsonString(),
        };
    }

    private static Digest ManifestOf(ImageFixture node) => node.Serve("team/app", "1", ImageFixture.ThreeLayers()).Manifest;

    private static byte[] Payload(Digest digest, string repository) => Encoding.UTF8.GetBytes(new JsonObject
    {
        ["critical"] = new JsonObject
        {
            ["identity"] = new JsonObject { ["docker-reference"] = repository },
            ["image"] = new JsonObject { ["docker-manifest-digest"] = digest.Value },
            ["type"] = "cosign container image signature",
        },
    }.ToJsonString());

    private static string Sign(ECDsa key, byte[] content) => Convert.ToBase64String(key.SignData(content, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));

    private static string Base64Url(JsonObject json) => System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json.ToJsonString()));

    private static void AddSimpleSigning(ImageFixture node, Digest digest, byte[] payload, string signature, JsonObject annotations)
    {
        node.Registry.AddBlob(payload);
        annotations["dev.cosignproject.cosign/signature"] = signature;
        var layer = RegistryFixture.Descriptor(SimpleSigning, payload);
        layer["annotations"] = annotations;
        node.Registry.AddManifest("team/app", $"sha256-{digest.Hex}.sig", Encoding.UTF8.GetBytes(new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = "application/vnd.oci.image.manifest.v1+json",
            ["config"] = RegistryFixture.Descriptor("application/vnd.oci.image.config.v1+json", "{}"u8.ToArray()),
            ["layers"] = new JsonArray(layer),
        }.ToJsonString()));
    }

    private static void AddReferrer(ImageFixture node, Digest digest, string artifactType, string layerType, byte[] content, bool byTag)
    {
        node.Registry.AddBlob(content);
        var manifest = Encoding.UTF8.GetBytes(new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = "application/vnd.oci.image.manifest.v1+json",
            ["artifactType"] = artifactType,
            ["config"] = RegistryFixture.Descriptor("application/vnd.oci.empty.v1+json", "{}"u8.ToArray()),
            ["layers"] = new JsonArray(RegistryFixture.Descriptor(layerType, content)),
        }.ToJsonString());
        node.Registry.AddManifest("team/app", null, manifest);
        var descriptor = RegistryFixture.Descriptor("application/vnd.oci.image.manifest.v1+json", manifest);
        descriptor["artifactType"] = artifactType;
        var index = new JsonObject { ["schemaVersion"] = 2, ["mediaType"] = "application/vnd.oci.image.index.v1+json", ["manifests"] = new JsonArray(descriptor) }.ToJsonString();
        if (byTag)
        {
            node.Registry.AddManifest("team/app", $"sha256-{digest.Hex}", Encoding.UTF8.GetBytes(index), "application/vnd.oci.image.index.v1+json");
            return;
        }
        node.Registry.Answer = context => context.Request.Path.Value!.Contains("/referrers/", StringComparison.Ordinal)
            ? CredentialLeakTests.Answered(FakeRegistry.JsonAsync(context, 200, index)) : Task.FromResult(false);
    }
}
