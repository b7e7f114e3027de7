using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.Features;

namespace Gantry.Streaming.WebSockets;

/// <summary>The opening handshake of a server (RFC 6455, section 4.2); the frames are the framework's.</summary>
internal static class WebSocketHandshake
{
    private const string Guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    private const int KeyBytes = 16;

    /// <summary>Pongs that nobody asked for: they keep a client from giving up while its input waits for the process.</summary>
    private static readonly TimeSpan _keepAlive = TimeSpan.FromSeconds(20);

    /// <summary>What is wrong with the request; null for nothing.</summary>
    public static string? Check(HttpRequest request)
    {
        if (!HttpMethods.IsGet(request.Method))
            return "a WebSocket begins with GET";
        if (request.Headers.SecWebSocketVersion != "13")
            return "Sec-WebSocket-Version must be 13";
        var key = request.Headers.SecWebSocketKey.ToString();
        return Convert.TryFromBase64String(key, new byte[KeyBytes + 2], out var length) && length == KeyBytes ? null : "Sec-WebSocket-Key must be 16 bytes in base64";
    }

    public static async Task<WebSocket> AcceptAsync(HttpContext http, IHttpUpgradeFeature upgrade, string protocol)
    {
        var headers = http.Response.Headers;
        headers.Upgrade = "websocket";
        headers.SecWebSocketAccept = Answer(http.Request.Headers.SecWebSocketKey.ToString());
        if (protocol.Length > 0)
            headers.SecWebSocketProtocol = protocol;
        var stream = await upgrade.UpgradeAsync();
        return WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true, KeepAliveInterval = _keepAlive });
    }

    /// <summary>Proof that a server of WebSockets answers; SHA-1 is the protocol's, and protects nothing.</summary>
    internal static string Answer(string key)
    {
#pragma warning disable CA5350
        return Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + Guid)));
#pragma warning restore CA5350
    }
}
