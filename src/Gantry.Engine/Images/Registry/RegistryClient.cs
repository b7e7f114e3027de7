using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Images.Manifests;
using Microsoft.Extensions.Logging;

namespace Gantry.Images.Registry;

/// <summary>A document of a registry: its bytes, what the server calls it, and the digest of the bytes.</summary>
public sealed record RegistryDocument(byte[] Content, string MediaType, Digest Digest);

/// <summary>
/// Reads images by the OCI distribution protocol, over HTTP/1.1. Redirects are followed by hand, so that no credential
/// leaves the server that it is for; every server of an image is asked in turn.
/// </summary>
public sealed class RegistryClient(HostRules rules, RegistryAuthenticator authenticator, ILogger log)
{
    private const int MostRedirects = 10;
    private static readonly TimeSpan _connectTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan _headTimeout = TimeSpan.FromSeconds(60);
    private readonly System.Collections.Concurrent.ConcurrentDictionary<(bool, string), HttpClient> _clients = [];

    /// <summary>The manifest or index that a tag or digest means; a digest is verified, and a server with other bytes is passed over.</summary>
    public Task<RegistryDocument> GetManifestAsync(ImageReference image, string target, RegistryCredentials? credentials, CancellationToken cancel) =>
        AskAllAsync(image, Digest.TryParse(target, out _) ? host => host.CanPull : host => host.CanResolve, async host =>
        {
            using var response = await SendAsync(host, image, $"manifests/{target}", credentials, cancel);
            var content = await ReadAsync(response, ManifestReader.SizeLimit, $"manifest {target} of {image}", cancel);
            var digest = Digest.Compute(content);
            if (Digest.TryParse(target, out var asked) && asked.Algorithm == "sha256" && asked != digest)
                throw new CorruptContentException($"{host.Url} served a manifest with digest {digest.Short} for {asked.Short}");
            return new RegistryDocument(content, response.Content.Headers.ContentType?.MediaType ?? "", digest);
        }, cancel);

    /// <summary>A small blob whole, verified.</summary>
    public Task<byte[]> GetBlobAsync(ImageReference image, Digest digest, RegistryCredentials? credentials, CancellationToken cancel) =>
        AskAllAsync(image, host => host.CanPull, async host =>
        {
            using var response = await SendAsync(host, image, $"blobs/{digest.Value}", credentials, cancel);
            var content = await ReadAsync(response, ManifestReader.SizeLimit, $"blob {digest.Short} of {image}", cancel);
            return digest.Algorithm != "sha256" || Digest.Compute(content) == digest
                ? content
                : throw new CorruptContentException($"{host.Url} served other bytes for blob {digest.Short}");
        }, cancel);

    /// <summary>Reads a large blob by <paramref name="read"/>, from each server in turn until one succeeds.</summary>
    public Task<T> ReadBlobAsync<T>(ImageReference image, Digest digest, RegistryCredentials? credentials, Func<Stream, Task<T>> read, CancellationToken cancel) =>
        AskAllAsync(image, host => host.CanPull, async host =>
        {
            using var response = await SendAsync(host, image, $"blobs/{digest.Value}", credentials, cancel);
            await using var stream = await response.Content.ReadAsStreamAsync(cancel);
            return await read(stream);
        }, cancel);

    private async Task<T> AskAllAsync<T>(ImageReference image, Func<RegistryHost, bool> canServe, Func<RegistryHost, Task<T>> ask, CancellationToken cancel)
    {
        var problems = new List<Exception>();
        foreach (var host in rules.For(image.Registry).Where(canServe))
        {
            try
            {
                return await ask(host);
            }
            catch (Exception e) when (!cancel.IsCancellationRequested && e is GantryException or HttpRequestException or IOException or OperationCanceledException)
            {
                var problem = e is GantryException ? e : new RegistryUnavailableException($"{host.Url}: {Innermost(e)}", e);
                log.HostFailed(host.Url, image.ToString(), problem.Message);
                problems.Add(problem);
                if (e is ResourceExhaustedException)
                    break;
            }
        }
        cancel.ThrowIfCancellationRequested();
        // What the image's own registry says counts more than that a mirror lacks the image.
        throw problems.Count switch
        {
            0 => new WrongStateException($"image {image}: no server of the mirror configuration may serve it"),
            1 => problems[0],
            _ when problems.TrueForAll(e => e is NotFoundException) => problems[^1],
            _ => Combined(image, problems),
        };
    }

    private static Exception Combined(ImageReference image, List<Exception> problems)
    {
        var text = $"image {image}: {string.Join("; ", problems.Select(problem => problem.Message).Distinct())}";
        var telling = problems.Find(e => e is CorruptContentException) ?? problems.Find(e => e is ResourceExhaustedException)
            ?? problems.Find(e => e is RegistryRefusedException) ?? problems[^1];
        return telling switch
        {
            CorruptContentException => new CorruptContentException(text, telling),
            ResourceExhaustedException => telling,
            RegistryRefusedException => new RegistryRefusedException(text, telling),
            NotFoundException => new NotFoundException(text, telling),
            _ => new RegistryUnavailableException(text, telling),
        };
    }

    private static string Innermost(Exception e) => e is OperationCanceledException ? "it did not answer in time" : e.InnerException is { } inner ? Innermost(inner) : e.Message;

    private async Task<HttpResponseMessage> SendAsync(RegistryHost host, ImageReference image, string what, RegistryCredentials? credentials, CancellationToken cancel)
    {
        var query = host.IsMirror ? $"?ns={Uri.EscapeDataString(image.Registry)}" : "";
        var uri = new Uri($"{host.ApiRoot}/{image.Repository}/{what}{query}");
        // Credentials are the image's own registry's: a mirror is somebody else.
        var own = host.IsMirror ? null : credentials;
        var scope = $"repository:{image.Repository}:pull";
        var client = Client(host);
        var response = await SendOnceAsync(client, uri, authenticator.Cached(host, scope, own), cancel);
        if (response.StatusCode is HttpStatusCode.Unauthorized)
        {
            var challenge = response.Headers.WwwAuthenticate.ToList();
            response.Dispose();
            var authorization = await authenticator.AnswerAsync(client, host, challenge, scope, own, cancel);
            response = await SendOnceAsync(client, uri, authorization, cancel);
        }
        response = await FollowAsync(client, uri, response, cancel);
        return response.IsSuccessStatusCode ? response : throw await RefusalAsync(response, host, image, what, own, cancel);
    }

    private static async Task<HttpResponseMessage> SendOnceAsync(HttpClient client, Uri uri, AuthenticationHeaderValue? authorization, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, uri) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.Authorization = authorization;
        foreach (var type in ManifestReader.AcceptedTypes)
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(type));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("*/*"));
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(_headTimeout);
        return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
    }

    private static async Task<HttpResponseMessage> FollowAsync(HttpClient client, Uri uri, HttpResponseMessage response, CancellationToken cancel)
    {
        for (var n = 0; (int)response.StatusCode is 301 or 302 or 303 or 307 or 308; n++)
        {
            var target = response.Headers.Location is { } location ? new Uri(uri, location) : null;
            response.Dispose();
            if (target is null || n == MostRedirects)
                throw new RegistryRefusedException($"{uri.Host} redirects {(target is null ? "to nowhere" : "in circles")}");
            if (target.Scheme != uri.Scheme && target.Scheme != Uri.UriSchemeHttps)
                throw new RegistryRefusedException($"{uri.Host} redirects from https to {target.Scheme}://{target.Host}, which is refused");
            uri = target;
            // Without Authorization: storage behind a registry has a signature in the address, and no right to the credentials.
            response = await SendOnceAsync(client, uri, null, cancel);
        }
        return response;
    }

    private static async Task<GantryException> RefusalAsync(
        HttpResponseMessage response, RegistryHost host, ImageReference image, string what, RegistryCredentials? credentials, CancellationToken cancel)
    {
        using (response)
        {
            var words = RegistryError.Read(await ReadUpToAsync(response, 64 << 10, cancel));
            var code = (int)response.StatusCode;
            var said = $"{host.Url} answered {code}{(words.Length > 0 ? $" ({words})" : "")} for {what.Split('?')[0]} of {image}";
            return code switch
            {
                404 => new NotFoundException($"image {image} was not found: {said}"),
                401 or 403 => new RegistryRefusedException($"{said}: pulled with {credentials?.ToString() ?? "no credentials"}; check that the image exists and that these may pull it"),
                429 or >= 500 => new RegistryUnavailableException($"{said}: try again later"),
                _ => new RegistryRefusedException(said),
            };
        }
    }

    private static async Task<byte[]> ReadAsync(HttpResponseMessage response, int limit, string subject, CancellationToken cancel)
    {
        var content = await ReadUpToAsync(response, limit + 1, cancel);
        return content.Length <= limit ? content : throw new CorruptContentException($"{subject} is larger than the {limit >> 20} MiB that are allowed");
    }

    private static async Task<byte[]> ReadUpToAsync(HttpResponseMessage response, int limit, CancellationToken cancel)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(_headTimeout);
        await using var stream = await response.Content.ReadAsStreamAsync(deadline.Token);
        var content = new MemoryStream();
        var buffer = new byte[16 << 10];
        while (content.Length < limit)
        {
            var count = await stream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, limit - content.Length)), deadline.Token);
            if (count == 0)
                break;
            content.Write(buffer, 0, count);
        }
        return content.ToArray();
    }

    private HttpClient Client(RegistryHost host) => _clients.GetOrAdd((host.SkipVerify, host.CaFile), static key =>
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = _connectTimeout,
            MaxResponseHeadersLength = 64,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            AutomaticDecompression = DecompressionMethods.None,
        };
        var (skipVerify, caFile) = key;
#pragma warning disable CA5359 // skip_verify is the operator's own words in hosts.toml, for this server alone.
        if (skipVerify)
            handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        else if (caFile.Length > 0)
            handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { X509CertificateLoader.LoadCertificateFromFile(caFile) }, RevocationMode = X509RevocationMode.NoCheck };
        return new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    });
}
