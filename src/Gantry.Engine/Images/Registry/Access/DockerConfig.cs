using System.Text.Json;
using Gantry.Faults;

namespace Gantry.Images.Registry.Access;

/// <summary>
/// A file of registry credentials in Docker's format (config.json, the content of a dockerconfigjson secret, Podman's
/// auth.json; containers-auth.json(5)). The entry with the longest prefix of the image's name counts.
/// </summary>
internal sealed class DockerConfig
{
    private const int LargestFile = 4 << 20;
    private readonly JsonElement _root;
    private readonly string _file;

    private DockerConfig(JsonElement root, string file)
    {
        _root = root;
        _file = file;
    }

    /// <summary>Null where the file does not exist.</summary>
    /// <exception cref="WrongStateException">It cannot be read; names the file, and nothing of what is in it.</exception>
    public static DockerConfig? Read(string file)
    {
        try
        {
            if (!File.Exists(file))
                return null;
            if (new FileInfo(file).Length > LargestFile)
                throw new WrongStateException($"{file} is larger than {LargestFile >> 20} MiB: it is no file of registry credentials");
            using var json = JsonDocument.Parse(File.ReadAllBytes(file), new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false });
            return json.RootElement.ValueKind is JsonValueKind.Object ? new DockerConfig(json.RootElement.Clone(), file) : throw Broken(file, "it is no JSON object");
        }
        catch (JsonException e)
        {
            // The parser's message may quote the text, which is secret.
            throw Broken(file, $"it is no valid JSON at line {e.LineNumber + 1}");
        }
        catch (UnauthorizedAccessException)
        {
            throw Broken(file, "it may not be read");
        }
    }

    /// <summary>The credentials for a server's repository, or the helper to ask; neither where the file has none.</summary>
    /// <param name="names">The server's names, the best first, as docker.io or registry.example:5000.</param>
    /// <exception cref="WrongStateException">The entry cannot be read.</exception>
    public (RegistryCredentials? Credentials, string? Helper, string Server) Find(IReadOnlyList<string> names, string repository)
    {
        foreach (var name in names)
        {
            var path = $"{name}/{repository}";
            while (true)
            {
                if (Member("credHelpers") is { } helpers && Entry(helpers, path) is { ValueKind: JsonValueKind.String } helper)
                    return (null, helper.GetString(), path);
                if (Member("auths") is { } auths && Entry(auths, path) is { ValueKind: JsonValueKind.Object } entry && Parse(entry, path) is { } found)
                    return (found, null, path);
                var slash = path.LastIndexOf('/');
                if (slash < 0)
                    break;
                path = path[..slash];
            }
        }
        return Member("credsStore") is { ValueKind: JsonValueKind.String } store ? (null, store.GetString(), names[0]) : (null, null, "");
    }

    private JsonElement? Member(string name) => _root.TryGetProperty(name, out var member) ? member : null;

    private static JsonElement? Entry(JsonElement items, string path)
    {
        if (items.ValueKind is not JsonValueKind.Object)
            return null;
        foreach (var item in items.EnumerateObject())
        {
            if (Normal(item.Name) == path)
                return item.Value;
        }
        return null;
    }

    /// <summary>Keys are hosts, paths or addresses, as old as https://index.docker.io/v1/.</summary>
    private static string Normal(string key)
    {
        var name = key;
        var scheme = name.IndexOf("://", StringComparison.Ordinal);
        if (scheme >= 0)
            name = name[(scheme + 3)..];
        name = name.TrimEnd('/');
        if (name.EndsWith("/v1", StringComparison.Ordinal) || name.EndsWith("/v2", StringComparison.Ordinal))
            name = name[..^3];
        return name is "index.docker.io" or "registry-1.docker.io" ? "docker.io" : name;
    }

    private RegistryCredentials? Parse(JsonElement entry, string path)
    {
        var source = $"{_file}, {path}";
        var user = Text(entry, "username");
        var password = Text(entry, "password");
        if (user.Length == 0 && Text(entry, "auth") is { Length: > 0 } auth)
        {
            (user, password) = RegistryCredentials.Decode(auth)
                ?? throw Broken(_file, $"the auth of {path} is not base64 of user:password");
        }
        var identity = Text(entry, "identitytoken");
        var token = Text(entry, "registrytoken");
        return user.Length + identity.Length + token.Length == 0 ? null : new RegistryCredentials(user, password, identity, token, source);
    }

    private static string Text(JsonElement item, string name) =>
        item.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString()! : "";

    private static WrongStateException Broken(string file, string what) => new($"registry credentials in {file}: {what}; correct the file");
}
