using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Gantry.Identity;
using Gantry.Images;
using Gantry.Images.Manifests;
using Gantry.Images.Registry;
using Gantry.Images.Registry.Access;
using Gantry.Images.Registry.Hosts;
using Gantry.Images.Registry.Http;
using Gantry.UnitTests.Fakes;

namespace Gantry.UnitTests.Images.Registry;

/// <summary>A client whose configuration is a folder of this test, and whose names all mean this machine.</summary>
internal sealed class RegistryFixture : IDisposable
{
    public RegistryFixture(TimeProvider? time = null)
    {
        Time = time ?? new SkippingTime();
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("gantry-registry-").FullName;

    public TestCertificates Authority { get; } = new();

    public RecordingLog Log { get; } = new();

    public TimeProvider Time { get; }

    public Dictionary<string, ConfiguredCredentials> Auth { get; } = [];

    public Dictionary<string, string> TokenHosts { get; } = [];

    public List<string> AuthFiles { get; } = [];

    /// <summary>What names mean; this machine for all that are not in it.</summary>
    public Dictionary<string, IPAddress> Addresses { get; } = [];

    public RegistryLimits Limits { get; set; } = new(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(120));

    public void Dispose()
    {
        Authority.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>Writes a registry's hosts.toml.</summary>
    public RegistryFixture Hosts(string registry, string toml)
    {
        Directory.CreateDirectory($"{Folder}/certs.d/{registry}");
        File.WriteAllText($"{Folder}/certs.d/{registry}/hosts.toml", toml);
        File.WriteAllText($"{Folder}/certs.d/{registry}/ca.pem", Authority.AuthorityPem);
        return this;
    }

    /// <summary>The registry's own server is that one, and its authority is trusted.</summary>
    public RegistryFixture Own(FakeRegistry registry, string more = "") =>
        Hosts(registry.Host, $"server = \"{registry.Url}\"\n{(registry.Scheme == "https" ? "ca = \"ca.pem\"\n" : "")}{more}");

    public Task<FakeRegistry> StartTlsAsync(string host = "registry.test") => FakeRegistry.StartAsync(Authority.Issue("CN=server", [host]), host);

    public RegistryClient Client(string registriesConf = "")
    {
        var transport = new RegistryTransport(null, (host, _) => Task.FromResult<IPAddress[]>([Addresses.GetValueOrDefault(host, IPAddress.Loopback)]));
        return new RegistryClient(
            new HostRules([$"{Folder}/certs.d"], registriesConf), new CredentialSources(Auth, AuthFiles, [$"{Folder}/bin"]),
            new RegistryAuthenticator(transport, TokenHosts, Time), transport, Limits, new RegistryContext(Time, Log));
    }

    public static RegistryCredentials Password(string user = "puller", string password = "s3cret-pass") => RegistryCredentials.From(user, password, "", "", "")!;

    /// <summary>Resolves a tag as a pull does.</summary>
    public Task<RegistryDocument> ResolveAsync(FakeRegistry registry, string image = "team/app:1", RegistryCredentials? credentials = null, RegistryClient? client = null, CancellationToken cancel = default)
    {
        client ??= Client();
        var reference = ImageReference.Parse($"{registry.Host}/{image}");
        return client.GetManifestAsync(client.Open(reference, credentials), reference.Target, cancel);
    }

    /// <summary>Reads a blob whole, as bytes that nobody verified.</summary>
    public async Task<byte[]> ReadBlobAsync(FakeRegistry registry, Digest digest, long size, RegistryCredentials? credentials = null, RegistryClient? client = null, CancellationToken cancel = default)
    {
        client ??= Client();
        var content = new MemoryStream();
        await client.ReadBlobAsync(client.Open(ImageReference.Parse($"{registry.Host}/team/app:1"), credentials), digest, size, async stream =>
        {
            content = new MemoryStream();
            await stream.CopyToAsync(content, cancel);
        }, cancel);
        return content.ToArray();
    }

    /// <summary>Adds a manifest of no meaning but its own.</summary>
    public static byte[] Manifest(string config = "{}", params (byte[] Content, string Type)[] layers) => Encoding.UTF8.GetBytes(new JsonObject
    {
        ["schemaVersion"] = 2,
        ["mediaType"] = ManifestReader.ManifestType,
        ["config"] = Descriptor("application/vnd.oci.image.config.v1+json", Encoding.UTF8.GetBytes(config)),
        ["layers"] = new JsonArray([.. layers.Select(layer => Descriptor(layer.Type, layer.Content))]),
    }.ToJsonString());

    public static JsonObject Descriptor(string type, byte[] content) =>
        new() { ["mediaType"] = type, ["digest"] = Digest.Compute(content).Value, ["size"] = content.Length };
}
