using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Gantry.Conformance;
using Gantry.Conformance.Streaming;
using Gantry.NodeTests.Harness;
using Xunit;

namespace Gantry.NodeTests.Streaming;

/// <summary>A streaming server with a certificate, which asks its clients for theirs.</summary>
public sealed class TlsTests(NodeNetwork network)
{
    private static readonly RemoteStreams _outputs = new();

    [Fact]
    public async Task Server_WithAClientAuthority_ServesThoseThatItHasSignedAlone()
    {
        using var authority = NewAuthority();
        await using var node = await GantryNode.StartAsync(
            network,
            "[streaming]\ntls_cert = \"/var/tmp/TLS/server.crt\"\ntls_key = \"/var/tmp/TLS/server.key\"\ntls_client_ca = \"/var/tmp/TLS/ca.crt\"".Replace("/var/tmp/TLS", Folder, StringComparison.Ordinal),
            _ => WriteFiles(authority));
        using var known = X509Certificate2.CreateFromPemFile($"{Folder}/client.crt", $"{Folder}/client.key");
        using var stranger = NewAuthority();
        await using var cri = new SpecContext(node.Cri, node.Settings() with { ConnectAsync = (host, port) => ConnectAsync(host, port, known) });
        await using var unknown = new SpecContext(node.Cri, node.Settings() with { ConnectAsync = (host, port) => ConnectAsync(host, port, stranger) });
        var container = await cri.SleeperAsync();

        var url = await cri.ExecUrlAsync(container, _outputs, "echo", "secret");
        await Assert.ThrowsAnyAsync<Exception>(() => RemoteSession.OpenAsync(unknown.Settings, url, RemoteProtocol.SpdyV4, _outputs));
        await using var session = await RemoteSession.OpenAsync(cri.Settings, url, RemoteProtocol.SpdyV4, _outputs);
        Assert.Equal(0, (await session.WaitAsync()).ExitCode);

        Assert.StartsWith("https://127.0.0.1:", url, StringComparison.Ordinal);
        Assert.Equal("secret\n", session.Output.ToString());
        string[] files = ["--tls-ca", $"{Folder}/ca.crt", "--tls-cert", $"{Folder}/client.crt", "--tls-key", $"{Folder}/client.key"];
        Assert.Equal("mine\n", network.Inside($"{NodeNetwork.Programs}/gantry", ["--endpoint", $"unix://{node.Socket}", "exec", .. files, container.Id, "--", "echo", "mine"]));
    }

    private string Folder => $"{network.Directory}/tls";

    private async Task<Stream> ConnectAsync(string host, int port, X509Certificate2 own)
    {
        var stream = new SslStream(NetnsConnection.Connect(network.NetnsPath, host, port), leaveInnerStreamOpen: false);
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = host,
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate!.Subject == "CN=server",
            ClientCertificates = [own],
        });
        return stream;
    }

    private void WriteFiles(X509Certificate2 authority)
    {
        Directory.CreateDirectory(Folder);
        File.WriteAllText($"{Folder}/ca.crt", authority.ExportCertificatePem());
        foreach (var name in new[] { "server", "client" })
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
            var names = new SubjectAlternativeNameBuilder();
            names.AddIpAddress(IPAddress.Loopback);
            request.CertificateExtensions.Add(names.Build());
            using var certificate = request.Create(authority, authority.NotBefore, authority.NotAfter, RandomNumberGenerator.GetBytes(8));
            File.WriteAllText($"{Folder}/{name}.crt", certificate.ExportCertificatePem());
            File.WriteAllText($"{Folder}/{name}.key", key.ExportPkcs8PrivateKeyPem());
        }
    }

    private static X509Certificate2 NewAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
    }
}
