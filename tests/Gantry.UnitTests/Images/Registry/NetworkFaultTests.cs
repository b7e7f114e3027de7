using System.Net;
using System.Net.Sockets;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.UnitTests.Fakes;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Gantry.UnitTests.Images.Registry;

/// <summary>F19, F21 and F25: networks and servers that break, lie about lengths or ask for a pause.</summary>
public sealed class NetworkFaultTests : IDisposable
{
    private static readonly byte[] _blob = [.. Enumerable.Range(0, 3_000_000).Select(n => (byte)(n * 31 >> 3))];
    private readonly SkippingTime _time = new();
    private readonly RegistryFixture _node;

    public NetworkFaultTests() => _node = new RegistryFixture(_time);

    public void Dispose() => _node.Dispose();

    [Fact]
    public async Task F19_RefusedConnection_NamesTheCause()
    {
        using var closed = new TcpListener(IPAddress.Loopback, 0);
        closed.Start();
        var port = ((IPEndPoint)closed.LocalEndpoint).Port;
        closed.Stop();
        _node.Hosts($"127.0.0.1:{port}", $"server = \"http://127.0.0.1:{port}\"\n");
        var client = _node.Client();
        var image = Gantry.Images.ImageReference.Parse($"127.0.0.1:{port}/a:1");

        var failure = await Assert.ThrowsAsync<RegistryUnavailableException>(() => client.GetManifestAsync(client.Open(image, null), "1", CancellationToken.None));

        Assert.Contains("connection refused", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("other.test", false)]
    [InlineData("registry.test", true)]
    public async Task F19_WrongOrExpiredCertificate_IsRefusedWithItsCause(string host, bool expired)
    {
        var certificate = _node.Authority.Issue("CN=server", [host], expired ? new DateTimeOffset(2021, 1, 1, 0, 0, 0, TimeSpan.Zero) : null);
        await using var registry = await FakeRegistry.StartAsync(certificate, "registry.test");
        _node.Own(registry);

        var failure = await Assert.ThrowsAsync<RegistryUnavailableException>(() => _node.ResolveAsync(registry));

        Assert.Contains("TLS", failure.Message, StringComparison.Ordinal);
        Assert.Empty(registry.Seen);
    }

    [Fact]
    public async Task F19_NameThatDoesNotResolve_IsNamed()
    {
        var transport = new Gantry.Images.Registry.Http.RegistryTransport(null, (_, _) => throw new SocketException((int)SocketError.HostNotFound));
        var client = new Gantry.Images.Registry.RegistryClient(
            new Gantry.Images.Registry.Hosts.HostRules([]), new Gantry.Images.Registry.Access.CredentialSources(_node.Auth, [], []),
            new Gantry.Images.Registry.Access.RegistryAuthenticator(transport, _node.TokenHosts, _time), transport, _node.Limits, new Gantry.Images.Registry.RegistryContext(_time, _node.Log));

        var failure = await Assert.ThrowsAsync<RegistryUnavailableException>(
            () => client.GetManifestAsync(client.Open(Gantry.Images.ImageReference.Parse("nowhere.test/a:1"), null), "1", CancellationToken.None));

        Assert.Contains("cannot be resolved", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task F21_ResetInTheMiddle_IsTakenUpWhereItBroke()
    {
        await using var registry = await FakeRegistry.StartAsync();
        _node.Own(registry);
        var digest = registry.AddBlob(_blob);
        var broken = 0;
        registry.Answer = context => Interlocked.Increment(ref broken) <= 2 ? BreakAsync(context, 700_000) : Task.FromResult(false);

        var read = await _node.ReadBlobAsync(registry, digest, _blob.Length);

        Assert.Equal(_blob, read);
        Assert.Equal(3, registry.Seen.Count);
        Assert.All(registry.Seen.Skip(1), request => Assert.StartsWith("bytes=", request.Headers["range"], StringComparison.Ordinal));
    }

    [Fact]
    public async Task F21_ServerWithoutRanges_IsReadFromTheStartAndTheKnownPartDropped()
    {
        await using var registry = await FakeRegistry.StartAsync();
        _node.Own(registry);
        var broken = 0;
        registry.Answer = async context =>
        {
            if (Interlocked.Increment(ref broken) == 1)
                return await BreakAsync(context, 700_000);
            context.Response.ContentLength = _blob.Length;
            await context.Response.Body.WriteAsync(_blob);
            return true;
        };

        Assert.Equal(_blob, await _node.ReadBlobAsync(registry, Digest.Compute(_blob), _blob.Length));
    }

    [Fact]
    public async Task F21_AnotherRangeThanAskedFor_IsRefused()
    {
        await using var registry = await FakeRegistry.StartAsync();
        _node.Own(registry);
        var broken = 0;
        registry.Answer = async context =>
        {
            if (Interlocked.Increment(ref broken) == 1)
                return await BreakAsync(context, 700_000);
            context.Response.StatusCode = 206;
            context.Response.Headers.ContentRange = $"bytes 5-{_blob.Length - 1}/{_blob.Length}";
            await context.Response.Body.WriteAsync(_blob.AsMemory(5));
            return true;
        };

        await Assert.ThrowsAsync<RegistryRefusedException>(() => _node.ReadBlobAsync(registry, Digest.Compute(_blob), _blob.Length));
    }

    [Fact]
    public async Task F21_ServerThatAlwaysBreaks_IsGivenUpSoon()
    {
        await using var registry = await FakeRegistry.StartAsync();
        _node.Own(registry);
        registry.Answer = context => BreakAsync(context, 1000);

        var failure = await Assert.ThrowsAsync<RegistryUnavailableException>(() => _node.ReadBlobAsync(registry, Digest.Compute(_blob), _blob.Length));

        Assert.Contains(registry.Host, failure.Message, StringComparison.Ordinal);
        Assert.InRange(registry.Seen.Count, 2, 10);
    }

    [Fact]
    public async Task F21_ShortBodyWithoutALength_IsAskedForTheRest()
    {
        await using var registry = await FakeRegistry.StartAsync();
        _node.Own(registry);
        var digest = registry.AddBlob(_blob);
        var first = 0;
        registry.Answer = async context =>
        {
            if (Interlocked.Increment(ref first) > 1)
                return false;
            await context.Response.Body.WriteAsync(_blob.AsMemory(0, 100_000));
            return true;
        };

        Assert.Equal(_blob, await _node.ReadBlobAsync(registry, digest, _blob.Length));
    }

    [Fact]
    public async Task F21_ConflictingLengths_DoNotDecide()
    {
        var blob = _blob[..1000];
        using var server = new RawServer($"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nContent-Length: 7\r\n\r\n", blob);
        _node.Hosts(server.Host, $"server = \"http://{server.Host}\"\n");
        var client = _node.Client();
        byte[] read = [];

        try
        {
            await client.ReadBlobAsync(client.Open(Gantry.Images.ImageReference.Parse($"{server.Host}/a:1"), null), Digest.Compute(blob), blob.Length, async stream =>
            {
                var content = new MemoryStream();
                await stream.CopyToAsync(content);
                read = content.ToArray();
            }, CancellationToken.None);
        }
        catch (RegistryUnavailableException)
        {
            // Refusing such an answer is right as well.
            return;
        }

        Assert.Equal(blob, read);
    }

    [Theory]
    [InlineData("7", 7)]
    [InlineData("Thu, 01 Jan 2026 00:00:30 GMT", 30)]
    [InlineData("1000000000", 60)]
    [InlineData("-5", 0.5)]
    [InlineData(null, 0.5)]
    [InlineData("soon", 0.5)]
    public async Task F25_BusyServer_IsAskedAgainWhenItWantsTo(string? retryAfter, double seconds)
    {
        await using var registry = await FakeRegistry.StartAsync();
        _node.Own(registry);
        registry.AddManifest("team/app", "1", RegistryFixture.Manifest());
        var first = 0;
        registry.Answer = context => Interlocked.Increment(ref first) == 1 ? BusyAsync(context, 429, retryAfter) : Task.FromResult(false);

        await _node.ResolveAsync(registry);

        var wait = Assert.Single(_time.Waits).TotalSeconds;
        Assert.InRange(wait, seconds * 0.99, seconds * 1.21 + 0.01);
    }

    [Theory]
    [InlineData(429)]
    [InlineData(503)]
    public async Task F25_ServerThatStaysBusy_IsGivenUpWithItsCode(int code)
    {
        await using var registry = await FakeRegistry.StartAsync();
        _node.Own(registry);
        registry.Answer = context => BusyAsync(context, code, "50");

        var failure = await Assert.ThrowsAsync<RegistryUnavailableException>(() => _node.ResolveAsync(registry));

        Assert.Contains($"{code}", failure.Message, StringComparison.Ordinal);
        Assert.InRange(registry.Seen.Count, 2, 5);
    }

    [Fact]
    public async Task F25_PauseThatOnePullWasTold_HoldsForTheOthers()
    {
        await using var registry = await FakeRegistry.StartAsync();
        _node.Own(registry);
        registry.AddManifest("team/app", "1", RegistryFixture.Manifest());
        registry.AddManifest("team/other", "1", RegistryFixture.Manifest());
        var client = _node.Client();
        var first = 0;
        registry.Answer = context => Interlocked.Increment(ref first) == 1 ? BusyAsync(context, 503, "20") : Task.FromResult(false);

        await Task.WhenAll(_node.ResolveAsync(registry, client: client), _node.ResolveAsync(registry, "team/other:1", client: client));

        Assert.All(_time.Waits, wait => Assert.InRange(wait.TotalSeconds, 0.01, 24));
    }

    [Fact]
    public async Task Order_MirrorThatIsDead_IsAskedLastForAWhile()
    {
        await using var registry = await FakeRegistry.StartAsync();
        var dead = DeadAddress();
        registry.AddManifest("team/app", "1", RegistryFixture.Manifest());
        _node.Own(registry, $"[host.\"{dead}\"]\n");
        var client = _node.Client();
        var image = Gantry.Images.ImageReference.Parse($"{registry.Host}/team/app:1");

        await _node.ResolveAsync(registry, client: client);
        var now = client.Open(image, null).Hosts;
        _time.Advance(TimeSpan.FromSeconds(16));
        var later = client.Open(image, null).Hosts;

        Assert.Equal([registry.Url, dead], now.Select(host => host.Text));
        Assert.Equal([dead, registry.Url], later.Select(host => host.Text));
        Assert.Contains("connection refused", _node.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Order_MirrorThatDiesWithinAPull_IsAskedOnceByIt()
    {
        await using var registry = await FakeRegistry.StartAsync();
        var dead = DeadAddress();
        registry.AddManifest("team/app", "1", RegistryFixture.Manifest());
        var digest = registry.AddBlob(_blob);
        _node.Own(registry, $"[host.\"{dead}\"]\n");
        var client = _node.Client();
        var session = client.Open(Gantry.Images.ImageReference.Parse($"{registry.Host}/team/app:1"), null);

        await client.GetManifestAsync(session, "1", CancellationToken.None);
        for (var n = 0; n < 3; n++)
            await client.ReadBlobAsync(session, digest, _blob.Length, stream => stream.CopyToAsync(Stream.Null), CancellationToken.None);

        Assert.Equal(2, _node.Log.Text.Split("could not serve").Length);
    }

    [Theory]
    [InlineData("error:0A00045C:SSL routines::tlsv13 alert certificate required", "client certificate")]
    [InlineData("Broken pipe", "Broken pipe")]
    public void F19_FailureThatHidesItsCause_IsToldByTheCause(string cause, string told) => Assert.Contains(
        told, Gantry.Images.Registry.Http.HttpProblem.Describe(new HttpRequestException("An error occurred while sending the request.", new IOException("see inner exception", new IOException(cause)))),
        StringComparison.Ordinal);

    /// <summary>Of a port on which nobody listens any more.</summary>
    private static string DeadAddress()
    {
        using var closed = new TcpListener(IPAddress.Loopback, 0);
        closed.Start();
        return $"http://127.0.0.1:{((IPEndPoint)closed.LocalEndpoint).Port}";
    }

    private static async Task<bool> BreakAsync(HttpContext context, int after)
    {
        var from = context.Request.Headers.Range.ToString() is ['b', 'y', 't', 'e', 's', '=', .. var range] ? int.Parse(range.TrimEnd('-'), System.Globalization.CultureInfo.InvariantCulture) : 0;
        if (from > 0)
        {
            context.Response.StatusCode = 206;
            context.Response.Headers.ContentRange = $"bytes {from}-{_blob.Length - 1}/{_blob.Length}";
        }
        context.Response.ContentLength = _blob.Length - from;
        await context.Response.Body.WriteAsync(_blob.AsMemory(from, after));
        await context.Response.Body.FlushAsync();
        context.Abort();
        return true;
    }

    private static async Task<bool> BusyAsync(HttpContext context, int code, string? retryAfter)
    {
        if (retryAfter is not null)
            context.Response.Headers.RetryAfter = retryAfter;
        await FakeRegistry.JsonAsync(context, code, """{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}""");
        return true;
    }

    /// <summary>Answers every connection with the same bytes, right or wrong.</summary>
    private sealed class RawServer : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        public RawServer(string head, byte[] body)
        {
            _listener.Start();
            Host = _listener.LocalEndpoint.ToString()!;
            _ = ServeAsync(System.Text.Encoding.ASCII.GetBytes(head), body);
        }

        public string Host { get; }

        public void Dispose() => _listener.Dispose();

        private async Task ServeAsync(byte[] head, byte[] body)
        {
            try
            {
                while (true)
                {
                    using var socket = await _listener.AcceptSocketAsync();
                    await socket.ReceiveAsync(new byte[4096]);
                    await socket.SendAsync(head);
                    await socket.SendAsync(body);
                    socket.Shutdown(SocketShutdown.Send);
                    // Until the client has read it all and closes.
                    await socket.ReceiveAsync(new byte[4096]);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The test is over.
            }
        }
    }
}
