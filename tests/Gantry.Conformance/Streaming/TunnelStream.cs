using System.Net.WebSockets;

namespace Gantry.Conformance.Streaming;

/// <summary>A client's WebSocket as a stream of bytes.</summary>
internal sealed class TunnelStream(WebSocket socket) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            return 0;
        try
        {
            while (true)
            {
                var received = await socket.ReceiveAsync(buffer, cancellationToken);
                if (received.MessageType is WebSocketMessageType.Close || received.Count > 0)
                    return received.Count;
            }
        }
        catch (WebSocketException e)
        {
            throw new IOException("the server has left", e);
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            // In two messages, the second of which begins anywhere: their borders mean nothing.
            await socket.SendAsync(buffer[..(buffer.Length / 3)], WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);
            await socket.SendAsync(buffer[(buffer.Length / 3)..], WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);
        }
        catch (WebSocketException e)
        {
            throw new IOException("the server has left", e);
        }
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            socket.Abort();
            socket.Dispose();
        }
        base.Dispose(disposing);
    }
}
