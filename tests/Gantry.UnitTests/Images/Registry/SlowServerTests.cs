using System.Net;
using System.Net.Sockets;
using System.Text;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.UnitTests.Fakes;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Gantry.UnitTests.Images.Registry;

/// <summary>F20: servers that stall, that send a byte now and then, or a head without an end.</summary>
public sealed class SlowServerTests : IDisposable
{
    private static readonly byte[] _blob = [.. Enumerable.Range(0, 3_000_000).Select(n => (byte)(n * 31 >> 3))];
    private readonly RegistryFixture _node = new();

    public void Dispose() => _node.Dispose();

    [Fact]
    public async Task F20_StallInTheMiddle_IsGivenUpAfterTheSilenceThatIsAllowed()
    {
        await using var registry = await FakeRegistry.StartAsync();
        _node.Own(registry).Limits = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(120));
        registry.Answer = async context =>
        {
            context.Response.ContentLength = _blob.Length;
            await context.Response.Body.WriteAsync(_blob.AsMemory(0, 1000));
            await context.Response.Body.FlushAsync();
            await WaitForClientToLeaveAsync(context);
            return true;
        };

        var failure = await Assert.ThrowsAsync<RegistryUnavailableException>(() => _node.ReadBlobAsync(registry, Digest.Compute(_blob), _blob.Length));

        Assert.Contains("after 1000 of", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task F20_CallerLeaves_TheConnectionIsFreed()
    {
        await using var registry = await FakeRegistry.StartAsync();
        // No progress is not told within the time that the test waits at most: only the caller's leaving frees the connection,
        // at once or after the two seconds in which the client waits for the rest of a short answer.
        _node.Own(registry).Limits = new(TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(10));
        var left = new TaskCompletionSource();
        var began = new TaskCompletionSource();
        registry.Answer = async context =>
        {
            await context.Response.Body.WriteAsync(_blob.AsMemory(0, 1000));
            await context.Response.Body.FlushAsync();
            began.TrySetResult();
            await WaitForClientToLeaveAsync(context);
            left.TrySetResult();
            return true;
        };
        using var cancel = new CancellationTokenSource();
        var reading = _node.ReadBlobAsync(registry, Digest.Compute(_blob), _blob.Length, cancel: cancel.Token);
        await began.Task;

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        await left.Task.WaitAsync(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task F20_ByteNowAndThen_IsNoProgress()
    {
        await using var registry = await FakeRegistry.StartAsync();
        _node.Own(registry).Limits = new(TimeSpan.FromMilliseconds(300), TimeSpan.FromSeconds(120));
        registry.Answer = async context =>
        {
            context.Response.ContentLength = _blob.Length;
            await DripAsync(context);
            return true;
        };

        var failure = await Assert.ThrowsAsync<RegistryUnavailableException>(() => _node.ReadBlobAsync(registry, Digest.Compute(_blob), _blob.Length));

        Assert.Contains("arrived for 0.3 s", failure.Message, StringComparison.Ordinal);
        Assert.InRange(registry.Seen.Count, 2, 10);
    }

    [Fact]
    public async Task F20_ManifestThatDrips_IsGivenUp()
    {
        await using var registry = await FakeRegistry.StartAsync();
        _node.Own(registry).Limits = new(TimeSpan.FromMilliseconds(300), TimeSpan.FromSeconds(120));
        registry.Answer = async context =>
        {
            await DripAsync(context);
            return true;
        };

        await Assert.ThrowsAsync<RegistryUnavailableException>(() => _node.ResolveAsync(registry));
    }

    [Fact]
    public async Task F20_OwnLimits_AreNotTakenForTheServersSilence()
    {
        await using var registry = await FakeRegistry.StartAsync();
        _node.Own(registry).Limits = new(TimeSpan.FromMilliseconds(300), TimeSpan.FromSeconds(120)) { Download = Gantry.Images.RateLimit.Of(1_000_000, TimeProvider.System) };
        var digest = registry.AddBlob(_blob);

        Assert.Equal(_blob, await _node.ReadBlobAsync(registry, digest, _blob.Length));

        Assert.Single(registry.Seen);
    }

    [Theory]
    [InlineData(20)]
    [InlineData(0)]
    public async Task F20_HeadWithoutAnEnd_IsGivenUpAndTheConnectionClosed(int millisecondsBetweenLines)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var host = listener.LocalEndpoint.ToString()!;
        var left = ServeHeadAsync(listener, millisecondsBetweenLines);
        _node.Hosts(host, $"server = \"http://{host}\"\n").Limits = new(TimeSpan.FromSeconds(60), TimeSpan.Zero) { Head = TimeSpan.FromMilliseconds(500) };
        var client = _node.Client();
        var image = Gantry.Images.ImageReference.Parse($"{host}/a:1");

        await Assert.ThrowsAsync<RegistryUnavailableException>(() => client.GetManifestAsync(client.Open(image, null), "1", CancellationToken.None));

        await left;
    }

    /// <summary>Sends lines of a head to the first client until it has left.</summary>
    private static async Task ServeHeadAsync(TcpListener listener, int milliseconds)
    {
        using var socket = await listener.AcceptSocketAsync();
        await socket.ReceiveAsync(new byte[4096]);
        await socket.SendAsync("HTTP/1.1 200 OK\r\n"u8.ToArray());
        try
        {
            for (var n = 0; ; n++)
            {
                await socket.SendAsync(Encoding.ASCII.GetBytes($"X-Line-{n}: {new string('x', 100)}\r\n"));
                if (milliseconds > 0)
                    await Task.Delay(milliseconds);
            }
        }
        catch (SocketException)
        {
            // It has.
        }
    }

    private static async Task DripAsync(HttpContext context)
    {
        try
        {
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.Body.WriteAsync(new byte[1], context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                await Task.Delay(20, context.RequestAborted);
            }
        }
        catch (OperationCanceledException)
        {
            // The client has left.
        }
    }

    private static async Task WaitForClientToLeaveAsync(HttpContext context)
    {
        var gone = new TaskCompletionSource();
        await using var registration = context.RequestAborted.Register(() => gone.TrySetResult());
        await gone.Task;
    }
}
