using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Gantry.Identity;
using Gantry.Images.Manifests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;

namespace Gantry.UnitTests.Fakes;

/// <summary>What a server was asked.</summary>
internal sealed record SeenRequest(string Method, string Host, string Path, string Query, string Authorization, IReadOnlyDictionary<string, string> Headers, string Body);

/// <summary>
/// A registry in this process, over real HTTP: it serves what it was given, remembers every request, and misbehaves as a
/// test asks (<see cref="Answer"/>).
/// </summary>
internal sealed class FakeRegistry : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, (byte[] Content, string Type)> _manifests = [];
    private readonly ConcurrentDictionary<string, byte[]> _blobs = [];
    private readonly ConcurrentQueue<SeenRequest> _seen = [];

    private FakeRegistry(WebApplication app, string scheme)
    {
        _app = app;
        Scheme = scheme;
    }

    public string Scheme { get; }

    public int Port { get; private set; }

    /// <summary>Host and port, by a name that the test's transport resolves to this machine.</summary>
    public string Host { get; private set; } = "";

    public string Url => $"{Scheme}://{Host}";

    public IReadOnlyList<SeenRequest> Seen => [.. _seen];

    public IEnumerable<SeenRequest> SeenOf(string part) => _seen.Where(request => request.Path.Contains(part, StringComparison.Ordinal));

    /// <summary>Handles a request before the registry does; answers false to let it.</summary>
    public Func<HttpContext, Task<bool>>? Answer { get; set; }

    public static async Task<FakeRegistry> StartAsync(X509Certificate2? certificate = null, string host = "127.0.0.1", bool clientCertificate = false)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                if (certificate is not null)
                {
                    listen.UseHttps(new HttpsConnectionAdapterOptions
                    {
                        ServerCertificate = certificate,
                        ClientCertificateMode = clientCertificate ? ClientCertificateMode.RequireCertificate : ClientCertificateMode.NoCertificate,
                        ClientCertificateValidation = (_, _, _) => true,
                    });
                }
            });
        });
        if (certificate is not null)
            builder.WebHost.UseKestrelHttpsConfiguration();
        var app = builder.Build();
        var registry = new FakeRegistry(app, certificate is null ? "http" : "https");
        app.Run(registry.HandleAsync);
        await app.StartAsync();
        registry.Port = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Last()).Port;
        registry.Host = string.Create(CultureInfo.InvariantCulture, $"{host}:{registry.Port}");
        return registry;
    }

    public Digest AddBlob(byte[] content)
    {
        var digest = Digest.Compute(content);
        _blobs[digest.Value] = content;
        return digest;
    }

    /// <summary>Serves these bytes for a digest that is not theirs.</summary>
    public void SwapBlob(Digest digest, byte[] content) => _blobs[digest.Value] = content;

    public Digest AddManifest(string repository, string? tag, byte[] content, string type = ManifestReader.ManifestType)
    {
        var digest = Digest.Compute(content);
        _manifests[$"{repository}:{digest.Value}"] = (content, type);
        if (tag is not null)
            _manifests[$"{repository}:{tag}"] = (content, type);
        return digest;
    }

    public int SizeOfManifest(string repository, string reference) => _manifests[$"{repository}:{reference}"].Content.Length;

    public void Remove(Digest blob) => _blobs.TryRemove(blob.Value, out _);

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    public static Task JsonAsync(HttpContext context, int status, string json)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(json);
    }

    /// <summary>Sends up to 10 GiB, until the client has left; how much that was.</summary>
    public static async Task<long> SendWithoutEndAsync(HttpContext context)
    {
        var piece = new byte[1 << 20];
        var sent = 0L;
        var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var leaving = context.RequestAborted.Register(() => left.TrySetResult());
        while (sent < 10L << 30 && !left.Task.IsCompleted)
        {
            var write = context.Response.BodyWriter.WriteAsync(piece);
            // The server buffers less than a piece: one that it takes at once is for a client that has left, which the token
            // says a moment later. Thousands would go by in that moment.
            if (write.IsCompleted)
                await Task.WhenAny(left.Task, Task.Delay(TimeSpan.FromSeconds(5)));
            if (await write is not { IsCompleted: false, IsCanceled: false })
                break;
            sent += piece.Length;
        }
        return sent;
    }

    private async Task HandleAsync(HttpContext context)
    {
        using var body = new StreamReader(context.Request.Body, Encoding.UTF8);
        var headers = context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        _seen.Enqueue(new SeenRequest(
            context.Request.Method, context.Request.Host.ToString(), context.Request.Path.Value ?? "", context.Request.QueryString.ToString(),
            context.Request.Headers.Authorization.ToString(), headers, await body.ReadToEndAsync()));
        if (Answer is { } answer && await answer(context))
            return;
        await ServeAsync(context);
    }

    /// <summary>As an honest registry.</summary>
    public async Task ServeAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        var name = path[(path.LastIndexOf('/') + 1)..];
        if (path.Contains("/manifests/", StringComparison.Ordinal)
            && _manifests.TryGetValue($"{path[4..path.LastIndexOf("/manifests/", StringComparison.Ordinal)]}:{name}", out var manifest))
        {
            context.Response.ContentType = manifest.Type;
            context.Response.ContentLength = manifest.Content.Length;
            await context.Response.Body.WriteAsync(manifest.Content);
            return;
        }
        if (path.Contains("/blobs/", StringComparison.Ordinal) && _blobs.TryGetValue(name, out var blob))
        {
            await ServeBlobAsync(context, blob);
            return;
        }
        await JsonAsync(context, 404, """{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}""");
    }

    /// <summary>A blob, or the rest of it where a range was asked for.</summary>
    public static async Task ServeBlobAsync(HttpContext context, byte[] blob)
    {
        var from = 0;
        if (context.Request.Headers.Range.ToString() is ['b', 'y', 't', 'e', 's', '=', .. var range] && int.TryParse(range.TrimEnd('-'), CultureInfo.InvariantCulture, out from))
        {
            context.Response.StatusCode = 206;
            context.Response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {from}-{blob.Length - 1}/{blob.Length}");
        }
        context.Response.ContentType = "application/octet-stream";
        context.Response.ContentLength = blob.Length - from;
        await context.Response.Body.WriteAsync(blob.AsMemory(from));
    }
}
