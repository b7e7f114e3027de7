using Gantry.Images.Registry.Access;
using Gantry.Images.Registry.Hosts;

namespace Gantry.Images.Registry;

/// <summary>One image's way to its registries, decided once a pull: the servers in their order, and the request's credentials.</summary>
public sealed record RegistrySession(ImageReference Image, IReadOnlyList<RegistryHost> Hosts, RegistryCredentials? Credentials);

/// <summary>A document of a registry: its bytes, what the server calls it, and the digest of the bytes.</summary>
public sealed record RegistryDocument(byte[] Content, string MediaType, Identity.Digest Digest);

/// <summary>How one server would be asked for an image; for people.</summary>
/// <param name="Url">Scheme, host and path of the API.</param>
/// <param name="Role">"mirror" or "registry".</param>
/// <param name="Credentials">What would be shown, and where that comes from; never a secret.</param>
/// <param name="Reason">Why it is in the list.</param>
/// <param name="Notes">What is unusual: not verified, dead for now, tags not asked of it.</param>
public sealed record HostExplanation(string Url, string Role, string Repository, HostCapabilities Capabilities, string Credentials, string Reason, IReadOnlyList<string> Notes);
