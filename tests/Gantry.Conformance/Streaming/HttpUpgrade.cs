using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Gantry.Conformance.Streaming;

/// <summary>A server's answer to a request for an upgrade.</summary>
/// <param name="Status">101 where it agrees.</param>
/// <param name="Headers">Names in lower case; the values of one that is given several times are joined by commas.</param>
/// <param name="Stream">What follows.</param>
public sealed record UpgradeAnswer(int Status, IReadOnlyDictionary<string, string> Headers, Stream Stream) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Stream.DisposeAsync();
}

/// <summary>Sends requests as they are, so that specs can send wrong ones too.</summary>
public static class HttpUpgrade
{
    /// <param name="settings">How the server is reached.</param>
    /// <param name="url">What it has answered.</param>
    /// <param name="method">GET or POST.</param>
    /// <param name="headers">Lines, without Host.</param>
    public static async Task<UpgradeAnswer> AskAsync(SpecSettings settings, Uri url, string method, params string[] headers)
    {
        var stream = await settings.ConnectAsync(url.Host, url.Port);
        var request = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{method} {url.PathAndQuery} HTTP/1.1\r\nHost: {url.Authority}\r\n");
        foreach (var header in headers)
            request.Append(header).Append("\r\n");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request.Append("\r\n").ToString()));
        var lines = (await ReadHeadAsync(stream)).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Check.True(lines.Length > 0 && lines[0].StartsWith("HTTP/1.1 ", StringComparison.Ordinal), $"no HTTP/1.1 answer: {string.Join('|', lines)}");
        var found = new Dictionary<string, string>();
        foreach (var line in lines.Skip(1))
        {
            var name = line[..line.IndexOf(':', StringComparison.Ordinal)].ToLowerInvariant();
            var value = line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
            found[name] = found.TryGetValue(name, out var before) ? $"{before}, {value}" : value;
        }
        return new UpgradeAnswer(int.Parse(lines[0].AsSpan(9, 3), CultureInfo.InvariantCulture), found, stream);
    }

    public static Task<UpgradeAnswer> AskForSpdyAsync(SpecSettings settings, Uri url, string protocol) => AskAsync(
        settings, url, "POST", "Connection: Upgrade", "Upgrade: SPDY/3.1", "Content-Length: 0", $"X-Stream-Protocol-Version: {protocol}");

    public static Task<UpgradeAnswer> AskForWebSocketAsync(SpecSettings settings, Uri url, string protocol)
    {
        var key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
        string[] headers =
        [
            "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", $"Sec-WebSocket-Key: {key}", $"Origin: http://{url.Authority}",
            .. protocol.Length > 0 ? new[] { $"Sec-WebSocket-Protocol: {protocol}" } : [],
        ];
        return AskAsync(settings, url, "GET", headers);
    }

    private static async Task<string> ReadHeadAsync(Stream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (await stream.ReadAsync(one).AsTask().WaitAsync(TimeSpan.FromSeconds(30)) == 1)
        {
            head.Append((char)one[0]);
            if (one[0] == '\n' && head.Length >= 4 && head.ToString(head.Length - 4, 4) == "\r\n\r\n")
                break;
        }
        return head.ToString();
    }
}
