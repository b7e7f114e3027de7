using System.Text;
using System.Text.Json;
using Gantry.Faults;

namespace Gantry.Images.Registry.Http;

/// <summary>A registry's refusal in this node's words and its own (distribution specification, "Error Codes").</summary>
internal static class RegistryError
{
    private const int LongestText = 300;
    private const int LongestBody = 64 << 10;
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(10);

    /// <summary>The failure that an answer is; disposes the answer.</summary>
    public static async Task<GantryException> OfAsync(HttpResponseMessage response, RegistryRequest request, CancellationToken cancel)
    {
        using (response)
        {
            var words = SecretFilter.Clean(Read(await BodyAsync(response, cancel)), request.Credentials);
            var code = (int)response.StatusCode;
            var said = $"{request.Host.Text} answered {code}{(words.Length > 0 ? $" ({words})" : "")} for {request.What} of {request.Image}";
            return code switch
            {
                404 => new NotFoundException($"image {request.Image} was not found: {said}"),
                401 => new RegistryRefusedException($"unauthorized: {said}: pulled with {With(request)}; check that the image exists and that these may pull it"),
                403 => new RegistryRefusedException($"denied: {said}: pulled with {With(request)}; check that the image exists and that these may pull it"),
                429 or >= 500 => new RegistryUnavailableException($"{said}: try again later"),
                _ => new RegistryRefusedException(said),
            };
        }
    }

    /// <summary>Codes and messages, in one short line; empty where the body is none of the specification's.</summary>
    public static string Read(byte[] body)
    {
        try
        {
            using var json = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 16 });
            if (json.RootElement.ValueKind is not JsonValueKind.Object || !json.RootElement.TryGetProperty("errors", out var errors) || errors.ValueKind is not JsonValueKind.Array)
                return "";
            var text = new StringBuilder();
            foreach (var error in errors.EnumerateArray().Take(3))
            {
                if (error.ValueKind is JsonValueKind.Object)
                    text.Append(text.Length > 0 ? "; " : "").Append(Text(error, "code")).Append(' ').Append(Text(error, "message"));
            }
            var line = new string([.. text.ToString().Where(c => !char.IsControl(c))]).Trim();
            return line.Length > LongestText ? line[..LongestText] : line;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return "";
        }
    }

    private static string With(RegistryRequest request) => request.Credentials is { } credentials ? $"{credentials} of {credentials.Source}" : "no credentials";

    private static async Task<byte[]> BodyAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(_timeout);
        try
        {
            return await HttpBody.ReadUpToAsync(response, LongestBody, deadline.Token);
        }
        catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException && !cancel.IsCancellationRequested)
        {
            // The status says enough.
            return [];
        }
    }

    private static string Text(JsonElement item, string name) => item.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString()! : "";
}
