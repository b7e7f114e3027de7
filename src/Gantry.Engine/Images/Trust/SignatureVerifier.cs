using Gantry.Faults;
using Gantry.Identity;
using Gantry.Images.Manifests;
using Gantry.Images.Registry;

namespace Gantry.Images.Trust;

/// <summary>
/// Enforces the policy on an image that is about to be pulled: finds its signatures in the image's own repository, by the
/// referrers API, its tag scheme and cosign's tag, and checks them here: no program is run, no server asked but the registry.
/// </summary>
public sealed class SignatureVerifier(TrustPolicy policy, RegistryClient registry, TimeProvider time)
{
    private const int MostSignatures = 20;
    private const string SimpleSigning = "application/vnd.dev.cosign.simplesigning.v1+json";
    private const string Jws = "application/jose+json";
    private const string Cose = "application/cose";
    private const string NotationType = "application/vnd.cncf.notary.signature";
    private const string BundlePrefix = "application/vnd.dev.sigstore.bundle";

    /// <summary>How the image is trusted, for people; empty where nothing was asked.</summary>
    /// <param name="digests">The index and the manifest: a signature of either is the image's.</param>
    /// <exception cref="SignatureInvalidException">The policy refuses it; the message says why.</exception>
    public async Task<string> CheckAsync(RegistrySession session, IReadOnlyList<Digest> digests, CancellationToken cancel)
    {
        var proofs = new List<string>();
        foreach (var requirement in policy.For(session.Image))
        {
            switch (requirement)
            {
                case RejectAll:
                    throw new SignatureInvalidException($"image {session.Image}: the signature policy rejects it");
                case SignedBySigstore sigstore:
                    proofs.Add("signed by " + await SigstoreAsync(session, sigstore, digests, cancel));
                    break;
                case SignedByNotation notation:
                    proofs.Add("signed by " + await NotationAsync(session, notation, digests, cancel));
                    break;
            }
        }
        return string.Join("; ", proofs);
    }

    private async Task<string> SigstoreAsync(RegistrySession session, SignedBySigstore requirement, IReadOnlyList<Digest> digests, CancellationToken cancel)
    {
        var problems = new List<string>();
        foreach (var digest in digests)
        {
            if (await registry.TryGetManifestAsync(session, $"sha256-{digest.Hex}.sig", cancel) is { } signatures
                && await ByDocumentsAsync(session, signatures, requirement, digests, problems, cancel) is { } byDocument)
                return byDocument;
            foreach (var referrer in await registry.GetReferrersAsync(session, digest, cancel))
            {
                if (!referrer.ArtifactType.StartsWith(BundlePrefix, StringComparison.Ordinal) || problems.Count > MostSignatures)
                    continue;
                foreach (var (blob, _) in await LayersOfAsync(session, await ArtifactAsync(session, referrer.Descriptor.Digest.Value, cancel), BundlePrefix, cancel))
                {
                    if (Try(() => SigstoreSignature.FromBundle(blob)?.SignerFor(requirement, session.Image, digests, problems), problems) is { } signer)
                        return signer;
                }
            }
        }
        throw Refused(session, "no sigstore signature that the policy asks for was found", problems);
    }

    private async Task<string?> ByDocumentsAsync(
        RegistrySession session, RegistryDocument signatures, SignedBySigstore requirement, IReadOnlyList<Digest> digests, List<string> problems, CancellationToken cancel)
    {
        foreach (var (blob, annotations) in await LayersOfAsync(session, Read(session, signatures), SimpleSigning, cancel))
        {
            if (Try(() => SigstoreSignature.FromDocument(blob, annotations).SignerFor(requirement, session.Image, digests, problems), problems) is { } signer)
                return signer;
        }
        return null;
    }

    private async Task<string> NotationAsync(RegistrySession session, SignedByNotation requirement, IReadOnlyList<Digest> digests, CancellationToken cancel)
    {
        var problems = new List<string>();
        foreach (var digest in digests)
        {
            foreach (var referrer in (await registry.GetReferrersAsync(session, digest, cancel)).Where(referrer => referrer.ArtifactType == NotationType).Take(MostSignatures))
            {
                var artifact = await ArtifactAsync(session, referrer.Descriptor.Digest.Value, cancel);
                if (artifact.Layers.Any(layer => layer.MediaType == Cose))
                    problems.Add($"one is in a COSE envelope ({Cose}), which Gantry does not read: sign with 'notation sign --signature-format jws'");
                foreach (var (blob, _) in await LayersOfAsync(session, artifact, Jws, cancel))
                {
                    if (Try(() => NotationSignature.Read(blob).SignerFor(requirement, digests, time.GetUtcNow(), problems), problems) is { } signer)
                        return signer;
                }
            }
        }
        throw Refused(session, "no notation signature that the policy asks for was found", problems);
    }

    private static string? Try(Func<string?> check, List<string> problems)
    {
        try
        {
            return check();
        }
        catch (Exception e) when (SigstoreSignature.IsUnreadable(e))
        {
            problems.Add($"it cannot be read: {e.Message}");
            return null;
        }
    }

    private async Task<Artifact> ArtifactAsync(RegistrySession session, string reference, CancellationToken cancel) =>
        Read(session, await registry.GetManifestAsync(session, reference, cancel));

    private static Artifact Read(RegistrySession session, RegistryDocument manifest) => ManifestReader.ReadArtifact(manifest.Content, $"a signature of {session.Image}");

    private async Task<IReadOnlyList<(byte[], IReadOnlyDictionary<string, string>)>> LayersOfAsync(RegistrySession session, Artifact artifact, string type, CancellationToken cancel)
    {
        var found = new List<(byte[], IReadOnlyDictionary<string, string>)>();
        for (var n = 0; n < artifact.Layers.Count && found.Count < MostSignatures; n++)
        {
            var layer = artifact.Layers[n];
            if (layer.MediaType.StartsWith(type, StringComparison.Ordinal) && layer.Size <= ManifestReader.SizeLimit)
                found.Add((await registry.GetBlobAsync(session, layer.Digest, layer.Size, cancel), artifact.LayerAnnotations[n]));
        }
        return found;
    }

    private static SignatureInvalidException Refused(RegistrySession session, string what, List<string> problems) =>
        new($"image {session.Image}: {what}{(problems.Count > 0 ? $" ({string.Join("; ", problems.Distinct().Take(5))})" : "")}");
}
