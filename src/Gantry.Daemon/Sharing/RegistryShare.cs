using System.Globalization;
using System.Net;
using Gantry.Identity;
using Gantry.Images;
using Gantry.Images.Store;
using Microsoft.Net.Http.Headers;

namespace Gantry.Sharing;

/// <summary>
/// The node's images as a registry that can only be read (OCI distribution specification, "Pull"), so that one node can be
/// the mirror of another. It serves what belongs to an image under the name that was asked for, and nothing else; images
/// that were pulled with credentials only where that was allowed: the asker has shown none.
/// </summary>
public sealed class RegistryShare(ImageStore images, bool sharesPrivate)
{
    private const string DigestHeader = "Docker-Content-Digest";

    public async Task HandleAsync(HttpContext context)
    {
        var request = context.Request;
        context.Response.Headers["Docker-Distribution-Api-Version"] = "registry/2.0";
        if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method))
        {
            await RefuseAsync(context, HttpStatusCode.MethodNotAllowed, "UNSUPPORTED", "this registry can only be read");
            return;
        }
        var path = request.Path.Value ?? "";
        if (path is "/v2" or "/v2/")
            return;
        if (Split(path, "/manifests/") is var (repository, reference))
            await ManifestAsync(context, repository, reference);
        else if (Split(path, "/blobs/") is var (owner, digest))
            await BlobAsync(context, owner, digest);
        else
            await RefuseAsync(context, HttpStatusCode.NotFound, "NAME_UNKNOWN", "there is nothing at that path");
    }

    private async Task ManifestAsync(HttpContext context, string repository, string reference)
    {
        foreach (var name in NamesOf(context.Request, repository))
        {
            if (images.Use(Digest.TryParse(reference, out var asked) ? $"{name}@{reference}" : $"{name}:{reference}") is not { } use)
                continue;
            using (use)
            {
                var target = asked != default ? asked : use.Image.Names.First(one => one.Text == $"{name}:{reference}").Target;
                if (IsShared(use.Image) && use.Image.Documents.FirstOrDefault(document => document.Digest == target) is { } found)
                {
                    await SendAsync(context, found.Digest, found.Size, found.MediaType);
                    return;
                }
            }
        }
        await RefuseAsync(context, HttpStatusCode.NotFound, "MANIFEST_UNKNOWN", "this node has no such image");
    }

    private async Task BlobAsync(HttpContext context, string repository, string digest)
    {
        if (Digest.TryParse(digest, out var asked))
        {
            var names = NamesOf(context.Request, repository);
            foreach (var image in images.List().Where(image => IsShared(image) && names.Any(name => HasRepository(image, name))))
            {
                using var use = images.Use(image.Id.Value);
                if (use?.Image.Blobs.FirstOrDefault(blob => blob.Digest == asked) is { Size: > 0 } found)
                {
                    await SendAsync(context, found.Digest, found.Size, "application/octet-stream");
                    return;
                }
            }
        }
        await RefuseAsync(context, HttpStatusCode.NotFound, "BLOB_UNKNOWN", "this node has no such blob");
    }

    private bool IsShared(ImageRecord image) => sharesPrivate || !image.Private;

    /// <summary>A mirror is told whom it stands for (ns); anybody else writes the registry in front of the repository.</summary>
    private static List<string> NamesOf(HttpRequest request, string repository)
    {
        string[] candidates = request.Query["ns"].ToString() is { Length: > 0 } registry ? [$"{registry}/{repository}"] : [repository];
        return [.. candidates.Select(name => ImageReference.TryParse(name, out _)?.Name).OfType<string>()];
    }

    private static bool HasRepository(ImageRecord image, string name) =>
        image.Names.Any(own => own.Text.StartsWith(name, StringComparison.Ordinal) && own.Text.Length > name.Length && own.Text[name.Length] is ':' or '@');

    private async Task SendAsync(HttpContext context, Digest digest, long size, string type)
    {
        var response = context.Response;
        response.ContentType = type;
        response.Headers[DigestHeader] = digest.Value;
        response.Headers.AcceptRanges = "bytes";
        var from = RangeHeaderValue.TryParse(context.Request.Headers.Range.ToString(), out var range) && range.Ranges.Count == 1 ? range.Ranges.First().From ?? 0 : 0;
        if (from >= size && from > 0)
        {
            response.StatusCode = (int)HttpStatusCode.RequestedRangeNotSatisfiable;
            return;
        }
        if (from > 0)
        {
            response.StatusCode = (int)HttpStatusCode.PartialContent;
            response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {from}-{size - 1}/{size}");
        }
        response.ContentLength = size - from;
        if (HttpMethods.IsGet(context.Request.Method))
            await response.SendFileAsync(images.BlobPath(digest), from, size - from, context.RequestAborted);
    }

    private static async Task RefuseAsync(HttpContext context, HttpStatusCode status, string code, string message)
    {
        context.Response.StatusCode = (int)status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync($$"""{"errors":[{"code":"{{code}}","message":"{{message}}"}]}""", context.RequestAborted);
    }

    private static (string, string)? Split(string path, string middle)
    {
        var at = path.LastIndexOf(middle, StringComparison.Ordinal);
        return path.StartsWith("/v2/", StringComparison.Ordinal) && at > "/v2/".Length ? (path["/v2/".Length..at], path[(at + middle.Length)..]) : null;
    }
}
