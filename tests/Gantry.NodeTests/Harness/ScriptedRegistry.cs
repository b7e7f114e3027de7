using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Gantry.TestImages;

namespace Gantry.NodeTests.Harness;

/// <summary>What the registry answers to one path.</summary>
internal sealed record ScriptedAnswer(int Status, byte[] Body, string ContentType = "application/octet-stream")
{
    /// <summary>What the header says; null for the body's own length.</summary>
    public long? ContentLength { get; init; }

    /// <summary>Send so many bytes of the body and then nothing any more, without closing.</summary>
    public int? HangAfter { get; init; }

    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();
}

/// <summary>
/// A registry that serves what a real one never would, on the loopback of the run's network. Paths without an answer get
/// 404. HTTP by hand, so that lengths and ends can be wrong.
/// </summary>
internal sealed class ScriptedRegistry : IAsyncDisposable
{
    private readonly Socket _listener;
    private readonly CancellationTokenSource _ending = new();
    private readonly ConcurrentDictionary<string, ScriptedAnswer> _answers = [];
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly Task _accepting;

    public ScriptedRegistry(string netns)
    {
        _listener = NetnsConnection.Listen(netns);
        Port = ((System.Net.IPEndPoint)_listener.LocalEndPoint!).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>The paths that were asked for.</summary>
    public ConcurrentQueue<string> Requests { get; } = [];

    public ScriptedAnswer this[string path]
    {
        set => _answers[path] = value;
    }

    /// <summary>Makes a node ask this registry for the images of a host of that name, and nobody else.</summary>
    public void ServeAs(GantryNode node, string host)
    {
        var folder = $"{node.Directory}/certs.d/{host}";
        Directory.CreateDirectory(folder);
        File.WriteAllText($"{folder}/hosts.toml", string.Create(CultureInfo.InvariantCulture, $"server = \"http://127.0.0.1:{Port}\"\n"));
    }

    /// <summary>Serves a blob by its own digest, which is returned.</summary>
    public string AddBlob(string repository, byte[] content)
    {
        var digest = LayerBuilder.DigestOf(content);
        this[$"/v2/{repository}/blobs/{digest}"] = new ScriptedAnswer(200, content);
        return digest;
    }

    /// <summary>Serves an image of one layer, after <paramref name="change"/> had its way with the manifest.</summary>
    public void AddImage(string repository, BuiltLayer layer, Action<JsonObject>? change = null, Action<JsonObject>? changeConfig = null)
    {
        var config = new JsonObject
        {
            ["architecture"] = System.Runtime.InteropServices.RuntimeInformation.OSArchitecture is System.Runtime.InteropServices.Architecture.Arm64 ? "arm64" : "amd64",
            ["os"] = "linux",
            ["config"] = new JsonObject { ["Cmd"] = new JsonArray("sh") },
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray(layer.DiffId) },
        };
        changeConfig?.Invoke(config);
        var configBytes = Encoding.UTF8.GetBytes(config.ToJsonString());
        var manifest = new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = "application/vnd.oci.image.manifest.v1+json",
            ["config"] = Descriptor("application/vnd.oci.image.config.v1+json", AddBlob(repository, configBytes), configBytes.Length),
            ["layers"] = new JsonArray(Descriptor(layer.MediaType, AddBlob(repository, layer.Content), layer.Content.Length)),
        };
        change?.Invoke(manifest);
        AddManifest(repository, "latest", Encoding.UTF8.GetBytes(manifest.ToJsonString()), (string?)manifest["mediaType"] ?? "application/vnd.oci.image.manifest.v1+json");
    }

    public void AddManifest(string repository, string reference, byte[] content, string type)
    {
        this[$"/v2/{repository}/manifests/{reference}"] = new ScriptedAnswer(200, content, type);
        this[$"/v2/{repository}/manifests/{LayerBuilder.DigestOf(content)}"] = new ScriptedAnswer(200, content, type);
    }

    public static JsonObject Descriptor(string type, string digest, long size) => new() { ["mediaType"] = type, ["digest"] = digest, ["size"] = size };

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_connections);
        _ending.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_ending.IsCancellationRequested)
        {
            try
            {
                _connections.Add(ServeAsync(await _listener.AcceptAsync(_ending.Token)));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            while (await ReadRequestAsync(stream) is { } path)
            {
                Requests.Enqueue(path);
                var answer = _answers.GetValueOrDefault(path.Split('?')[0]) ?? new ScriptedAnswer(404, "{}"u8.ToArray(), "application/json");
                if (!await AnswerAsync(stream, answer))
                    return;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The client or the test has gone.
        }
    }

    private async Task<string?> ReadRequestAsync(NetworkStream stream)
    {
        var text = new StringBuilder();
        var one = new byte[1];
        while (!text.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one, _ending.Token) == 0)
                return null;
            text.Append((char)one[0]);
        }
        return text.ToString().Split(' ')[1];
    }

    /// <summary>Whether the connection can be used again.</summary>
    private async Task<bool> AnswerAsync(NetworkStream stream, ScriptedAnswer answer)
    {
        var head = new StringBuilder();
        head.Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {answer.Status} Scripted\r\nContent-Type: {answer.ContentType}\r\nContent-Length: {answer.ContentLength ?? answer.Body.Length}\r\n");
        foreach (var (name, value) in answer.Headers)
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head.Append("\r\n").ToString()), _ending.Token);
        var sent = answer.HangAfter ?? answer.Body.Length;
        await stream.WriteAsync(answer.Body.AsMemory(0, sent), _ending.Token);
        if (answer.HangAfter is not null)
            await Task.Delay(Timeout.Infinite, _ending.Token);
        return answer.ContentLength is null || answer.ContentLength == answer.Body.Length;
    }
}
