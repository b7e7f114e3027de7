using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Gantry.Spdy;

namespace Gantry.Cli.Streaming;

/// <summary>Connects to a streaming server and upgrades to SPDY.</summary>
internal static class SpdyUpgrade
{
    private const int LongestAnswer = 16 << 10;

    /// <param name="url">With its token, which is used up.</param>
    /// <param name="protocol">For X-Stream-Protocol-Version.</param>
    /// <param name="limits">Of the connection.</param>
    /// <param name="tls">For https.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="StreamUnreachableException">Nothing answers at that address.</exception>
    /// <exception cref="CommandException">The server refuses.</exception>
    public static async Task<SpdyConnection> ConnectAsync(Uri url, string protocol, SpdyLimits limits, StreamTls tls, CancellationToken cancel)
    {
        var stream = await OpenAsync(url, tls, cancel);
        try
        {
            var request = $"POST {url.PathAndQuery} HTTP/1.1\r\nHost: {url.Authority}\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
                + $"X-Stream-Protocol-Version: {protocol}\r\nContent-Length: 0\r\n\r\n";
            await stream.WriteAsync(Encoding.ASCII.GetBytes(request), cancel);
            var answer = await ReadHeadAsync(stream, cancel);
            var status = answer.Split(' ', 3) is [_, var code, ..] && int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
            return status == 101
                ? new SpdyConnection(stream, SpdyRole.Client, limits, TimeProvider.System)
                : throw CommandException.Failed($"the runtime's streaming server refused: {answer.Split('\r')[0]}");
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    private static async Task<Stream> OpenAsync(Uri url, StreamTls tls, CancellationToken cancel)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(url.IdnHost.Trim('[', ']'), url.Port, cancel);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new StreamUnreachableException(url, e);
        }
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        if (url.Scheme != Uri.UriSchemeHttps)
            return stream;
        var secured = new SslStream(stream, leaveInnerStreamOpen: false);
        await secured.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = url.Host,
                RemoteCertificateValidationCallback = (_, certificate, _, errors) => tls.Accepts(url, certificate, errors),
                ClientCertificates = tls.Own is null ? null : [tls.Own],
            },
            cancel);
        return secured;
    }

    /// <summary>Byte by byte: what follows the head belongs to the connection.</summary>
    private static async Task<string> ReadHeadAsync(Stream stream, CancellationToken cancel)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (head.Length < LongestAnswer && await stream.ReadAsync(one, cancel) == 1)
        {
            head.Append((char)one[0]);
            if (one[0] == '\n' && head.Length >= 4 && head.ToString(head.Length - 4, 4) == "\r\n\r\n")
                break;
        }
        return head.ToString();
    }
}
