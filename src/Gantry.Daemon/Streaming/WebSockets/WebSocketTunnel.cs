using System.Net.WebSockets;

namespace Gantry.Streaming.WebSockets;

/// <summary>A WebSocket as a stream of bytes: what is in its binary messages, whose borders mean nothing.</summary>
internal sealed class WebSocketTunnel(WebSocket socket) : Stream
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1);
    private readonly byte[] _ahead = new byte[1];
    private bool _hasAhead;
    private bool _isOver;
    private bool _isWhole;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>With an empty buffer it waits until there is something to read, or the end.</summary>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // The wait is for one byte, so that it holds no buffer. Messages may be empty.
        while (!_isOver && !_hasAhead)
            _hasAhead = await ReceiveAsync(_ahead, cancellationToken) > 0;
        if (!_hasAhead || buffer.IsEmpty)
            return 0;
        buffer.Span[0] = _ahead[0];
        _hasAhead = false;
        // The rest of the message is there, or on its way; a message of one byte has no rest.
        return 1 + (_isWhole || buffer.Length == 1 ? 0 : await ReceiveAsync(buffer[1..], cancellationToken));
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            await socket.SendAsync(buffer, WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);
        }
        catch (WebSocketException e)
        {
            throw new IOException("the client has left", e);
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("read asynchronously");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("write asynchronously");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        using (var limit = new CancellationTokenSource(_patience))
        {
            try
            {
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
            }
            catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
            {
                // It is over already.
            }
        }
        socket.Abort();
        socket.Dispose();
        await base.DisposeAsync();
    }

    private async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancel)
    {
        try
        {
            var received = await socket.ReceiveAsync(buffer, cancel);
            if (received.MessageType is WebSocketMessageType.Text)
                throw new IOException("a tunnel's messages are binary, and this one is text");
            _isOver = received.MessageType is WebSocketMessageType.Close;
            _isWhole = received.EndOfMessage;
            return received.Count;
        }
        catch (WebSocketException e)
        {
            throw new IOException("the client has left", e);
        }
    }
}
