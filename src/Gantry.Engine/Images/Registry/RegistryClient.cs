using Gantry.Faults;
using Gantry.Identity;
using Gantry.Images.Manifests;
using Gantry.Images.Registry.Access;
using Gantry.Images.Registry.Hosts;
using Gantry.Images.Registry.Http;
using Microsoft.Extensions.Logging;

namespace Gantry.Images.Registry;

/// <summary>How a registry is dealt with.</summary>
/// <param name="Silence">A server that sends nothing, or next to nothing, for so long is given up.</param>
/// <param name="Patience">For how long a busy server (429, 503) is asked again.</param>
public sealed record RegistryLimits(TimeSpan Silence, TimeSpan Patience)
{
    /// <summary>In which a server must have sent the whole head of its answer.</summary>
    public TimeSpan Head { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Of all blobs together; null for no limit.</summary>
    public RateLimit? Download { get; init; }

    /// <summary>Of the blobs of one server, by its host and port.</summary>
    public IReadOnlyDictionary<string, RateLimit> DownloadByHost { get; init; } = new Dictionary<string, RateLimit>();

    internal IReadOnlyList<RateLimit> DownloadOf(string host) =>
        [.. new[] { Download, DownloadByHost.GetValueOrDefault(host) }.OfType<RateLimit>()];
}

/// <summary>
/// Reads images by the OCI distribution protocol, over HTTP/1.1. Every server of an image is asked in turn; one that cannot
/// be reached, has it not or serves other bytes is passed over, and the image's own registry is the last.
/// </summary>
public sealed class RegistryClient
{
    private readonly HostRules _rules;
    private readonly CredentialSources _credentials;
    private readonly RegistryRequests _requests;
    private readonly HostHealth _health;
    private readonly RegistryLimits _limits;
    private readonly ILogger _log;

    public RegistryClient(HostRules rules, CredentialSources credentials, RegistryAuthenticator authenticator, RegistryTransport transport, RegistryLimits limits, RegistryContext context)
    {
        _rules = rules;
        _credentials = credentials;
        _limits = limits;
        _log = context.Log;
        _health = new HostHealth(context.Time);
        _requests = new RegistryRequests(transport, authenticator, new HostPauses(context.Time), context.Time, limits);
    }

    /// <summary>Decides which servers an image is asked of.</summary>
    /// <exception cref="WrongStateException">The configuration of the registries is wrong; names file and line.</exception>
    public RegistrySession Open(ImageReference image, RegistryCredentials? credentials) => new(image, _health.Order(_rules.For(image)), credentials);

    /// <summary>Whether the image's own registry is shown credentials: then others may have no right to the image.</summary>
    public async Task<bool> IsPrivateAsync(RegistrySession session, CancellationToken cancel)
    {
        foreach (var host in session.Hosts.Where(host => !host.IsMirror))
        {
            if (await _credentials.FindAsync(host, session.Image, session.Credentials, cancel) is not null)
                return true;
        }
        return false;
    }

    /// <summary>The manifest or index that a tag or digest means; a digest is verified, and a server with other bytes is passed over.</summary>
    public Task<RegistryDocument> GetManifestAsync(RegistrySession session, string target, CancellationToken cancel) =>
        AskAllAsync(session, Digest.TryParse(target, out _) ? HostCapabilities.Pull : HostCapabilities.Resolve, async request =>
        {
            using var response = await _requests.SendAsync(request with { What = $"manifests/{target}" }, cancel);
            var content = await ReadAsync(response, ManifestReader.SizeLimit, $"manifest {target} of {session.Image}", cancel);
            // By the algorithm that it was asked by; a tag's digest is sha256.
            var digest = Digest.TryParse(target, out var asked) ? asked.ComputeAlike(content) : Digest.Compute(content);
            if (asked != default && asked != digest)
                throw new CorruptContentException($"{request.Host.Text} served a manifest with digest {digest} for {asked}");
            return new RegistryDocument(content, response.Content.Headers.ContentType?.MediaType ?? "", digest);
        }, cancel);

    /// <summary>As <see cref="GetManifestAsync"/>; null where no server has it.</summary>
    public async Task<RegistryDocument?> TryGetManifestAsync(RegistrySession session, string target, CancellationToken cancel)
    {
        try
        {
            return await GetManifestAsync(session, target, cancel);
        }
        catch (NotFoundException)
        {
            return null;
        }
    }

    /// <summary>What refers to a manifest, as signatures do: by the referrers API, or else by its tag scheme; none where there is nothing.</summary>
    public async Task<IReadOnlyList<IndexEntry>> GetReferrersAsync(RegistrySession session, Digest digest, CancellationToken cancel)
    {
        byte[]? index = null;
        try
        {
            index = await AskAllAsync(session, HostCapabilities.Pull, async request =>
            {
                using var response = await _requests.SendAsync(request with { What = $"referrers/{digest.Value}" }, cancel);
                return await ReadAsync(response, ManifestReader.SizeLimit, $"the referrers of {session.Image}", cancel);
            }, cancel);
        }
        catch (Exception e) when (e is NotFoundException or RegistryRefusedException)
        {
            // A registry from before the API; its answer to an unknown path is its own affair.
            index = (await TryGetManifestAsync(session, $"{digest.Algorithm}-{digest.Hex}", cancel))?.Content;
        }
        return index is null ? [] : ManifestReader.ReadIndex(index, $"the referrers of {session.Image}");
    }

    /// <summary>A small blob whole, verified.</summary>
    public Task<byte[]> GetBlobAsync(RegistrySession session, Digest digest, long size, CancellationToken cancel) =>
        AskAllAsync(session, HostCapabilities.Pull, async request =>
        {
            using var response = await _requests.SendAsync(request with { What = $"blobs/{digest.Value}" }, cancel);
            var content = await ReadAsync(response, ManifestReader.SizeLimit, $"blob {digest.Short} of {session.Image}", cancel);
            if (content.Length != size)
                throw new CorruptContentException($"{request.Host.Text} served {content.Length} bytes for blob {digest}, where the manifest says {size}");
            return digest.ComputeAlike(content) == digest
                ? content
                : throw new CorruptContentException($"{request.Host.Text} served other bytes for blob {digest}");
        }, cancel);

    /// <summary>Reads a large blob by <paramref name="read"/>, from each server in turn until one succeeds.</summary>
    /// <param name="read">Is given bytes that nobody has verified; its <see cref="CorruptContentException"/> makes the next server be asked.</param>
    public Task ReadBlobAsync(RegistrySession session, Digest digest, long size, Func<Stream, Task> read, CancellationToken cancel) =>
        AskAllAsync(session, HostCapabilities.Pull, async request =>
        {
            await using var stream = new BlobStream(_requests, request with { What = $"blobs/{digest.Value}" }, size, _limits.Silence, _limits.DownloadOf(request.Host.Name));
            await stream.OpenAsync(cancel);
            await read(stream);
            return true;
        }, cancel);

    /// <summary>The servers of an image in their order, what is shown to each, and why.</summary>
    public async Task<IReadOnlyList<HostExplanation>> ExplainAsync(ImageReference image, CancellationToken cancel)
    {
        var explained = new List<HostExplanation>();
        foreach (var host in _health.Order(_rules.For(image)))
        {
            var notes = new List<string>();
            if (host.Tls.SkipVerify)
                notes.Add("its certificate is not checked");
            if (host.IsPlain)
                notes.Add("plain http");
            if (host.Tls.CaFiles.Count > 0)
                notes.Add($"also trusts {string.Join(", ", host.Tls.CaFiles)}");
            if (host.Tls.ClientFiles.Count > 0)
                notes.Add("shows a client certificate");
            if (host.Headers.Count > 0)
                notes.Add($"sends headers {string.Join(", ", host.Headers.Select(header => header.Key).Distinct())}");
            if (!host.Capabilities.HasFlag(HostCapabilities.Resolve))
                notes.Add("is not asked what a tag means");
            if (_health.Dead(host) is { } dead)
                notes.Add($"could not be reached ({dead.Problem}), and is asked last for {dead.Left.TotalSeconds:0} s more");
            explained.Add(new HostExplanation(host.Text, host.IsMirror ? "mirror" : "registry", host.Repository ?? image.Repository, host.Capabilities, await CredentialsOfAsync(host, image, cancel), host.Reason, notes));
        }
        return explained;
    }

    private async Task<string> CredentialsOfAsync(RegistryHost host, ImageReference image, CancellationToken cancel)
    {
        try
        {
            var credentials = await _credentials.FindAsync(host, image, null, cancel);
            var own = credentials is null ? "none" : $"{credentials} from {credentials.Source}";
            return host.IsMirror ? own : $"those of the pull request, or else {own}";
        }
        catch (WrongStateException e)
        {
            return e.Message;
        }
    }

    private async Task<T> AskAllAsync<T>(RegistrySession session, HostCapabilities needed, Func<RegistryRequest, Task<T>> ask, CancellationToken cancel)
    {
        var problems = new List<Exception>();
        // Anew for each question: a mirror that this pull has found dead is not waited for again by its next ones.
        foreach (var host in _health.Order(session.Hosts).Where(host => host.Capabilities.HasFlag(needed)))
        {
            try
            {
                var credentials = await _credentials.FindAsync(host, session.Image, session.Credentials, cancel);
                var answer = await ask(new RegistryRequest(host, session.Image, "", credentials));
                _health.Worked(host);
                return answer;
            }
            catch (Exception e) when (!cancel.IsCancellationRequested && e is (GantryException and not ResourceExhaustedException) or HttpRequestException or IOException or OperationCanceledException)
            {
                var problem = e is GantryException ? e : new RegistryUnavailableException($"{host.Text}: {HttpProblem.Describe(e)}", e);
                if (HttpProblem.IsUnreachable(e))
                    _health.Failed(host, HttpProblem.Describe(e));
                if (problem is CorruptContentException)
                    ImageMetrics.CorruptAnswers.Add(1);
                _log.HostFailed(host.Text, session.Image.ToString(), problem.Message);
                problems.Add(problem);
            }
        }
        cancel.ThrowIfCancellationRequested();
        throw Combined(session.Image, problems);
    }

    /// <summary>One failure of several: the kind that says most, and the words of all.</summary>
    private static Exception Combined(ImageReference image, List<Exception> problems)
    {
        // A mirror that lacks the image is no news where its registry lacks it too.
        if (problems.Count > 1 && problems.TrueForAll(e => e is NotFoundException))
            return problems[^1];
        if (problems.Count < 2)
            return problems.Count == 1 ? problems[0] : new WrongStateException($"image {image}: no server of the registry configuration may serve it");
        var text = $"image {image}: {string.Join("; ", problems.Select(problem => problem.Message).Distinct())}";
        var telling = problems.Find(e => e is CorruptContentException) ?? problems.Find(e => e is RegistryRefusedException) ?? problems[^1];
        return telling switch
        {
            CorruptContentException => new CorruptContentException(text, telling),
            RegistryRefusedException => new RegistryRefusedException(text, telling),
            NotFoundException => new NotFoundException(text, telling),
            WrongStateException => new WrongStateException(text, telling),
            _ => new RegistryUnavailableException(text, telling),
        };
    }

    private async Task<byte[]> ReadAsync(HttpResponseMessage response, int limit, string subject, CancellationToken cancel)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(_limits.Silence);
        var content = await HttpBody.ReadUpToAsync(response, limit + 1, deadline.Token);
        return content.Length <= limit ? content : throw new CorruptContentException($"{subject} is larger than the {limit >> 20} MiB that are allowed");
    }
}

/// <summary>What every part of the engine has.</summary>
public sealed record RegistryContext(TimeProvider Time, ILogger Log);
