using System.Net;
using System.Net.Http.Headers;
using Gantry.Faults;
using Gantry.Images.Manifests;
using Gantry.Images.Registry.Access;
using Gantry.Images.Registry.Hosts;

namespace Gantry.Images.Registry.Http;

/// <summary>What is asked of one server.</summary>
/// <param name="What">Below the repository, as "blobs/sha256:…".</param>
/// <param name="From">For the rest of a blob from this byte; 0 for all.</param>
internal sealed record RegistryRequest(RegistryHost Host, ImageReference Image, string What, RegistryCredentials? Credentials, long From = 0)
{
    /// <summary>How often it is asked, where connections break or it is busy.</summary>
    public int Tries { get; init; } = 5;

    public string Scope => $"repository:{Host.Repository ?? Image.Repository}:pull";
}

/// <summary>
/// Asks one server: with authentication, redirects followed by hand, and tries again where the answer or a broken
/// connection asks for it.
/// </summary>
internal sealed class RegistryRequests(RegistryTransport transport, RegistryAuthenticator authenticator, HostPauses pauses, TimeProvider time, RegistryLimits limits)
{
    private const int MostRedirects = 10;
    private const int MostChallenges = 2;

    /// <summary>A successful answer with its body unread; the caller disposes it.</summary>
    /// <exception cref="GantryException">The server refused, has it not, or cannot serve now.</exception>
    /// <exception cref="HttpRequestException">There is nobody, or nobody who can be trusted.</exception>
    public async Task<HttpResponseMessage> SendAsync(RegistryRequest request, CancellationToken cancel)
    {
        var began = time.GetTimestamp();
        for (var tries = 0; ; tries++)
        {
            await pauses.WaitAsync(request.Host.Name, cancel);
            HttpResponseMessage response;
            try
            {
                response = await AuthorizeAsync(request, cancel);
            }
            catch (Exception e) when (HttpProblem.IsBroken(e) && tries + 1 < request.Tries && time.GetElapsedTime(began) < limits.Patience && !cancel.IsCancellationRequested)
            {
                await Task.Delay(HttpPausesOf(tries), time, cancel);
                continue;
            }
            if (response.IsSuccessStatusCode)
                return response;
            if (HostPauses.IsAskedFor(response.StatusCode) && tries + 1 < request.Tries && time.GetElapsedTime(began) < limits.Patience)
            {
                pauses.Note(request.Host.Name, response.Headers.RetryAfter, tries);
                response.Dispose();
                continue;
            }
            throw await RegistryError.OfAsync(response, request, cancel);
        }
    }

    private static TimeSpan HttpPausesOf(int tries) => HostPauses.Stretch(HostPauses.Growing(tries) / 5);

    private async Task<HttpResponseMessage> AuthorizeAsync(RegistryRequest request, CancellationToken cancel)
    {
        var uri = request.Host.Address(request.Image, request.What);
        var client = transport.Client(request.Host);
        var authorization = authenticator.Cached(request.Host, request.Scope, request.Credentials);
        for (var challenges = 0; ; challenges++)
        {
            var response = await SendOnceAsync(client, uri, request, authorization, isOwn: true, cancel);
            if (response.StatusCode is not HttpStatusCode.Unauthorized || challenges == MostChallenges)
                return await FollowAsync(uri, response, request, cancel);
            var answer = await authenticator.AnswerAsync(request.Host, [.. response.Headers.WwwAuthenticate], request.Scope, request.Credentials, cancel);
            if (answer is null || answer.Equals(authorization))
                return response;
            response.Dispose();
            authorization = answer;
        }
    }

    /// <param name="isOwn">To the server itself, and not to one that it sent us to: that one gets no credentials and no headers.</param>
    private async Task<HttpResponseMessage> SendOnceAsync(
        HttpClient client, Uri uri, RegistryRequest request, AuthenticationHeaderValue? authorization, bool isOwn, CancellationToken cancel)
    {
        using var message = new HttpRequestMessage(HttpMethod.Get, uri) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        message.Headers.Authorization = authorization;
        message.Headers.UserAgent.Add(new ProductInfoHeaderValue("gantry", null));
        if (request.From > 0)
            message.Headers.Range = new RangeHeaderValue(request.From, null);
        foreach (var type in ManifestReader.AcceptedTypes)
            message.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(type));
        message.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("*/*"));
        if (isOwn)
        {
            foreach (var header in request.Host.Headers)
                message.Headers.TryAddWithoutValidation(header.Key, header.Value);
        }
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(limits.Head);
        try
        {
            return await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
        }
        catch (HttpRequestException e) when (e.InnerException is GantryException told)
        {
            throw told;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new HttpRequestException(HttpRequestError.ConnectionError, "it did not answer in time");
        }
    }

    private async Task<HttpResponseMessage> FollowAsync(Uri uri, HttpResponseMessage response, RegistryRequest request, CancellationToken cancel)
    {
        var first = uri;
        bool? mayGoInside = null;
        for (var n = 0; (int)response.StatusCode is 301 or 302 or 303 or 307 or 308; n++)
        {
            var location = response.Headers.Location;
            response.Dispose();
            if (location is null || n == MostRedirects)
                throw new RegistryRefusedException($"{first.Host} redirects {(location is null ? "to nowhere" : $"more than {MostRedirects} times")}");
            var target = new Uri(uri, location);
            Check(uri, target);
            // A registry on this node may send us to this node; any other could make us read what only this node may.
            if (target.Authority != first.Authority)
                mayGoInside ??= await transport.IsInternalAsync(first, cancel);
            var client = transport.Client(target.Authority == first.Authority ? request.Host : request.Host with { Tls = HostTls.System with { SkipVerify = request.Host.Tls.SkipVerify, CaFiles = request.Host.Tls.CaFiles } }, isGuarded: mayGoInside == false);
            // Without Authorization: storage behind a registry has a signature in the address, and no right to the credentials.
            response = await SendOnceAsync(client, target, request, null, isOwn: false, cancel);
            uri = target;
        }
        return response;
    }

    private static void Check(Uri from, Uri target)
    {
        if (target.Scheme is not ("http" or "https"))
            throw new RegistryRefusedException($"{from.Host} redirects to something that is no web address ({target.Scheme}:), which is refused");
        if (from.Scheme == Uri.UriSchemeHttps && target.Scheme != Uri.UriSchemeHttps)
            throw new RegistryRefusedException($"{from.Host} redirects from https to {target.Scheme}://{target.Host}, which is refused");
        if (target.UserInfo.Length > 0)
            throw new RegistryRefusedException($"{from.Host} redirects to {target.Host} with credentials in the address, which is refused");
    }
}
