using System.Net.Security;
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
        using var authority = TestAuthority.New();
        await using var node = await GantryNode.StartAsync(
            network,
            "[streaming]\ntls_cert = \"/var/tmp/TLS/server.crt\"\ntls_key = \"/var/tmp/TLS/server.key\"\ntls_client_ca = \"/var/tmp/TLS/ca.crt\"".Replace("/var/tmp/TLS", Folder, StringComparison.Ordinal),
            _ => TestAuthority.WriteFiles(authority, Folder, "server", "client"));
        using var known = X509Certificate2.CreateFromPemFile($"{Folder}/client.crt", $"{Folder}/client.key");
        using var stranger = TestAuthority.New();
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
}
