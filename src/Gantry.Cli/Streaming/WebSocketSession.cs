using System.Buffers;
using System.Net.WebSockets;

namespace Gantry.Cli.Streaming;

/// <summary>A remote command over a WebSocket: v5.channel.k8s.io, or v4, which cannot tell of the input's end.</summary>
internal sealed class WebSocketSession : IDisposable
{
    public const string V5 = "v5.channel.k8s.io";
    public const string V4 = "v4.channel.k8s.io";
    private const int Chunk = 32 << 10;
    private const byte InputChannel = 0;
    private const byte OutputChannel = 1;
    private const byte ErrorChannel = 2;
    private const byte StatusChannel = 3;
    private const byte ResizeChannel = 4;
    private const byte CloseSignal = 255;
    private readonly ClientWebSocket _socket;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly ArrayBufferWriter<byte> _status = new();

    private WebSocketSession(ClientWebSocket socket) => _socket = socket;

    /// <summary>Connects; null where the server does not speak any of the protocols, or no WebSockets.</summary>
    /// <exception cref="StreamUnreachableException">Nothing answers at that address.</exception>
    public static async Task<WebSocketSession?> TryConnectAsync(Uri url, IReadOnlyList<string> protocols, StreamTls tls, CancellationToken cancel)
    {
        var socket = new ClientWebSocket();
        foreach (var protocol in protocols)
            socket.Options.AddSubProtocol(protocol);
        socket.Options.Proxy = null;
        socket.Options.KeepAliveInterval = TimeSpan.FromSeconds(20);
        socket.Options.RemoteCertificateValidationCallback = (_, certificate, _, errors) => tls.Accepts(url, certificate, errors);
        if (tls.Own is { } own)
            socket.Options.ClientCertificates.Add(own);
        try
        {
            var address = new UriBuilder(url) { Scheme = url.Scheme == Uri.UriSchemeHttps ? "wss" : "ws" }.Uri;
            await socket.ConnectAsync(address, cancel);
            return new WebSocketSession(socket);
        }
        catch (WebSocketException e)
        {
            socket.Dispose();
            if (e.InnerException is HttpRequestException { InnerException: System.Net.Sockets.SocketException unreachable })
                throw new StreamUnreachableException(url, unreachable);
            return null;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Moves bytes until the command has ended, or the user detaches.</summary>
    public async Task<RemoteResult> RunAsync(LocalStreams local, CancellationToken cancel)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var sending = Task.WhenAll(SendInputAsync(local.Input, over), SendSizesAsync(local, over.Token));
        try
        {
            while (await ReceiveAsync(local, over.Token))
            {
            }
        }
        catch (OperationCanceledException) when (local.Input is { IsDetached: true })
        {
            return new RemoteResult(0, "");
        }
        catch (WebSocketException)
        {
            // What came of the status tells, or nothing does.
        }
        finally
        {
            await over.CancelAsync();
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        return RemoteStatus.Read(_status.WrittenSpan);
    }

    public void Dispose()
    {
        _socket.Dispose();
        _turn.Dispose();
    }

    /// <returns>False when the server closes.</returns>
    private async Task<bool> ReceiveAsync(LocalStreams local, CancellationToken cancel)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Chunk);
        try
        {
            var channel = -1;
            while (true)
            {
                var received = await _socket.ReceiveAsync(buffer.AsMemory(), cancel);
                if (received.MessageType is WebSocketMessageType.Close)
                    return false;
                var bytes = buffer.AsMemory(0, received.Count);
                if (channel < 0 && bytes.Length > 0)
                {
                    channel = bytes.Span[0];
                    bytes = bytes[1..];
                }
                await DeliverAsync(local, channel, bytes, cancel);
                if (received.EndOfMessage)
                    return true;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask DeliverAsync(LocalStreams local, int channel, ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        if (channel == StatusChannel)
            _status.Write(bytes.Span);
        else if (channel is OutputChannel or ErrorChannel && bytes.Length > 0)
            await LocalOutput.WriteAsync(channel == OutputChannel ? local.Output : local.ErrorOutput, bytes, cancel);
    }

    private async Task SendInputAsync(LocalInput? input, CancellationTokenSource over)
    {
        if (input is null)
            return;
        var message = new byte[1 + Chunk];
        message[0] = InputChannel;
        while (await input.ReadAsync(message.AsMemory(1), over.Token) is var count and > 0)
            await SendAsync(message.AsMemory(0, 1 + count), over.Token);
        if (input.IsDetached)
            await over.CancelAsync();
        else if (_socket.SubProtocol == V5)
            await SendAsync(new[] { CloseSignal, InputChannel }, over.Token);
    }

    private async Task SendSizesAsync(LocalStreams local, CancellationToken cancel)
    {
        if (local.Sizes is null)
            return;
        await foreach (var size in local.Sizes.ReadAllAsync(cancel))
            await SendAsync((byte[])[ResizeChannel, .. size.ToJson()], cancel);
    }

    private async Task SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel);
        try
        {
            await _socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, cancel);
        }
        finally
        {
            _turn.Release();
        }
    }
}
