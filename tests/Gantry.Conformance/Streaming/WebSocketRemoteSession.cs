using System.Globalization;
using System.Net.WebSockets;
using System.Text;

namespace Gantry.Conformance.Streaming;

/// <summary>A session over a WebSocket, whose messages begin with a channel's number.</summary>
internal sealed class WebSocketRemoteSession : RemoteSession
{
    private readonly WebSocket _socket;
    private readonly SemaphoreSlim _turn = new(1, 1);

    public WebSocketRemoteSession(RemoteProtocol protocol, Stream stream)
        : base(protocol)
    {
        _socket = WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = false });
        Ended = ReadAsync();
    }

    protected override Task Ended { get; }

    public override async Task WriteAsync(ReadOnlyMemory<byte> input)
    {
        for (; !input.IsEmpty; input = input[Math.Min(input.Length, 32 << 10)..])
            await SendAsync(0, input[..Math.Min(input.Length, 32 << 10)]);
    }

    public override Task EndInputAsync() => Protocol.EndsInput ? SendRawAsync([255, 0], WebSocketMessageType.Binary) : throw new NotSupportedException($"{Protocol} cannot end the input alone");

    public override Task ResizeAsync(int columns, int rows) =>
        SendAsync(4, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"Width\":{columns},\"Height\":{rows}}}")));

    public override ValueTask DisposeAsync()
    {
        _socket.Abort();
        _socket.Dispose();
        _turn.Dispose();
        return ValueTask.CompletedTask;
    }

    private Task SendAsync(byte channel, ReadOnlyMemory<byte> bytes) => Protocol.IsBase64
        ? SendRawAsync([(byte)('0' + channel), .. Encoding.ASCII.GetBytes(Convert.ToBase64String(bytes.Span))], WebSocketMessageType.Text)
        : SendRawAsync([channel, .. bytes.Span], WebSocketMessageType.Binary);

    private async Task SendRawAsync(byte[] message, WebSocketMessageType type)
    {
        await _turn.WaitAsync();
        try
        {
            await _socket.SendAsync(message, type, endOfMessage: true, CancellationToken.None);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task ReadAsync()
    {
        var buffer = new byte[1 << 20];
        try
        {
            while (true)
            {
                var length = 0;
                ValueWebSocketReceiveResult received;
                do
                {
                    received = await _socket.ReceiveAsync(buffer.AsMemory(length), CancellationToken.None);
                    length += received.Count;
                }
                while (!received.EndOfMessage);
                if (received.MessageType is WebSocketMessageType.Close)
                    return;
                if (length > 0)
                    Deliver(buffer.AsSpan(0, length), received.MessageType);
            }
        }
        catch (WebSocketException)
        {
            // Some servers close without the closing handshake.
        }
        finally
        {
            Output.End();
            ErrorOutput.End();
            Status.End();
        }
    }

    private void Deliver(ReadOnlySpan<byte> message, WebSocketMessageType type)
    {
        Check.Equal(Protocol.IsBase64 ? WebSocketMessageType.Text : WebSocketMessageType.Binary, type);
        var bytes = Protocol.IsBase64 ? Convert.FromBase64String(Encoding.ASCII.GetString(message[1..])) : message[1..];
        var target = (Protocol.IsBase64 ? message[0] - '0' : message[0]) switch { 1 => Output, 2 => ErrorOutput, 3 => Status, _ => throw new SpecFailedException($"a message is of channel {message[0]}") };
        target.Add(bytes);
    }
}
