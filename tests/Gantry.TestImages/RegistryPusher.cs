using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace Gantry.TestImages;

/// <summary>Pushes images to a registry by the OCI distribution protocol, over http.</summary>
public sealed class RegistryPusher(HttpClient http, string registry)
{
    public const string ManifestType = "application/vnd.oci.image.manifest.v1+json";
    public const string IndexType = "application/vnd.oci.image.index.v1+json";
    public const string ConfigType = "application/vnd.oci.image.config.v1+json";

    /// <summary>Pushes an image under each of the tags, behind an index of one platform.</summary>
    /// <returns>The digest that the tags mean.</returns>
    public async Task<string> PushAsync(string name, IReadOnlyList<string> tags, IReadOnlyList<BuiltLayer> layers, JsonObject config)
    {
        var manifest = await PushManifestAsync(name, layers, config);
        var index = new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = IndexType,
            ["manifests"] = new JsonArray(Descriptor(ManifestType, manifest, new JsonObject { ["architecture"] = Architecture, ["os"] = "linux" })),
        };
        var bytes = Bytes(index);
        foreach (var tag in tags)
            await PutManifestAsync(name, tag, bytes, IndexType);
        return LayerBuilder.DigestOf(bytes);
    }

    public static string Architecture => System.Runtime.InteropServices.RuntimeInformation.OSArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.Arm64 => "arm64",
        _ => "amd64",
    };

    /// <summary>Pushes blobs and a manifest by its digest alone.</summary>
    public async Task<byte[]> PushManifestAsync(string name, IReadOnlyList<BuiltLayer> layers, JsonObject config)
    {
        var configBytes = Bytes(new JsonObject
        {
            ["architecture"] = Architecture,
            ["os"] = "linux",
            ["created"] = "1970-01-01T00:00:00Z",
            ["config"] = config.DeepClone(),
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray([.. layers.Select(layer => JsonValue.Create(layer.DiffId))]) },
        });
        await PutBlobAsync(name, configBytes);
        foreach (var layer in layers)
            await PutBlobAsync(name, layer.Content);
        var manifest = Bytes(new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = ManifestType,
            ["config"] = Descriptor(ConfigType, configBytes),
            ["layers"] = new JsonArray([.. layers.Select(layer => Descriptor(layer.MediaType, layer.Content))]),
        });
        await PutManifestAsync(name, LayerBuilder.DigestOf(manifest), manifest, ManifestType);
        return manifest;
    }

    public async Task PutManifestAsync(string name, string reference, byte[] manifest, string mediaType)
    {
        using var content = new ByteArrayContent(manifest);
        content.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
        using var response = await http.PutAsync(new Uri($"http://{registry}/v2/{name}/manifests/{reference}"), content);
        await CheckAsync(response, HttpStatusCode.Created, $"manifest {name}:{reference}");
    }

    public async Task PutBlobAsync(string name, byte[] blob)
    {
        var digest = LayerBuilder.DigestOf(blob);
        using (var head = await http.SendAsync(new HttpRequestMessage(HttpMethod.Head, new Uri($"http://{registry}/v2/{name}/blobs/{digest}"))))
        {
            if (head.StatusCode == HttpStatusCode.OK)
                return;
        }
        using var start = await http.PostAsync(new Uri($"http://{registry}/v2/{name}/blobs/uploads/"), null);
        await CheckAsync(start, HttpStatusCode.Accepted, $"upload to {name}");
        var location = new Uri(new Uri($"http://{registry}"), start.Headers.Location!);
        using var content = new ByteArrayContent(blob);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        var target = new UriBuilder(location) { Query = location.Query.TrimStart('?') + "&digest=" + Uri.EscapeDataString(digest) };
        using var put = await http.PutAsync(target.Uri, content);
        await CheckAsync(put, HttpStatusCode.Created, $"blob {digest} of {name}");
    }

    private static JsonObject Descriptor(string mediaType, byte[] content, JsonObject? platform = null)
    {
        var descriptor = new JsonObject { ["mediaType"] = mediaType, ["digest"] = LayerBuilder.DigestOf(content), ["size"] = content.Length };
        if (platform is not null)
            descriptor["platform"] = platform;
        return descriptor;
    }

    private static byte[] Bytes(JsonObject json) => Encoding.UTF8.GetBytes(json.ToJsonString());

    private static async Task CheckAsync(HttpResponseMessage response, HttpStatusCode expected, string what)
    {
        if (response.StatusCode != expected)
            throw new InvalidOperationException($"pushing {what}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
    }
}
