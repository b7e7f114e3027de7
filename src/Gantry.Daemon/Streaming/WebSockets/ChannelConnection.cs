using System.Buffers;
using System.Buffers.Text;
using System.IO.Pipelines;
using System.Net.WebSockets;

namespace Gantry.Streaming.WebSockets;

/// <summary>
/// A WebSocket whose messages belong to channels. <see cref="RunAsync"/> reads it, and waits while a channel's reader has
/// enough; sending may be done from anywhere.
/// </summary>
internal sealed class ChannelConnection : IAsyncDisposable
{
    /// <summary>Of one message that is sent.</summary>
    private const int LongestMessage = 64 << 10;

    /// <summary>Of what waits for one channel's reader.</summary>
    private const int ChannelBuffer = 1 << 20;

    private const byte CloseSignal = 255;

    /// <summary>How long the other side's answer to a closing is waited for.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);

    private readonly WebSocket _socket;
    private readonly ChannelProtocol _protocol;
    private readonly Action _touch;
    private readonly Pipe?[] _channels;
#pragma warning disable CA2213 // It holds nothing, and those who wait for their turn must get it to learn that it is over.
    private readonly SemaphoreSlim _turn = new(1, 1);
#pragma warning restore CA2213
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="socket">Owned by the connection from here on.</param>
    /// <param name="protocol">What was agreed.</param>
    /// <param name="touch">Told of each message.</param>
    /// <param name="readable">By channel: whether the client may send on it. What comes on others is dropped.</param>
    public ChannelConnection(WebSocket socket, ChannelProtocol protocol, Action touch, IEnumerable<bool> readable)
    {
        _socket = socket;
        _protocol = protocol;
        _touch = touch;
        _channels = [.. readable.Select(isRead => isRead
            ? new Pipe(new PipeOptions(pauseWriterThreshold: ChannelBuffer, resumeWriterThreshold: ChannelBuffer / 2, useSynchronizationContext: false))
            : null)];
    }

    /// <summary>Completes when the client has closed, or the connection broke.</summary>
    public Task Ended => _ended.Task;

    /// <summary>What the client sends on a readable channel.</summary>
    public PipeReader Input(int channel) => _channels[channel]!.Reader;

    /// <summary>Reads messages until the connection ends.</summary>
    public async Task RunAsync()
    {
        try
        {
            while (await ReadMessageAsync())
                _touch();
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // Broken is over.
        }
        finally
        {
            foreach (var channel in _channels)
                channel?.Writer.Complete();
            _ended.TrySetResult();
        }
    }

    /// <summary>Sends bytes on a channel, in as many messages as it takes; nothing is one empty message.</summary>
    /// <exception cref="IOException">The client has left.</exception>
    public async ValueTask SendAsync(int channel, ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        do
        {
            var length = Math.Min(bytes.Length, LongestMessage);
            await SendMessageAsync(channel, bytes[..length], cancel);
            bytes = bytes[length..];
        }
        while (!bytes.IsEmpty);
    }

    /// <summary>Closes once the client has read everything, and answers or is slow to.</summary>
    public async Task CloseAsync()
    {
        await _turn.WaitAsync();
        try
        {
            using var limit = new CancellationTokenSource(_patience);
            await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
            await Ended.WaitAsync(limit.Token);
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // It has left already, or does not answer.
        }
        finally
        {
            _turn.Release();
        }
        await DisposeAsync();
    }

    public ValueTask DisposeAsync()
    {
        _socket.Abort();
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <returns>False when the client closes.</returns>
    private async ValueTask<bool> ReadMessageAsync()
    {
        // One byte, which says where the rest belongs: between messages no buffer is held.
        var first = new byte[1];
        var received = await _socket.ReceiveAsync(first.AsMemory(), CancellationToken.None);
        if (received.MessageType is WebSocketMessageType.Close)
            return false;
        if (received.Count == 0)
            return true;
        if (_protocol.HasClose && first[0] == CloseSignal)
            return await ReadCloseAsync(received.EndOfMessage);
        var channel = _protocol.IsBase64 ? first[0] - '0' : first[0];
        if (received.EndOfMessage)
            return true;
        if (channel < 0 || channel >= _channels.Length || _channels[channel] is not { } pipe)
            return await SkipAsync();
        return _protocol.IsBase64 ? await ReadBase64Async(pipe.Writer) : await ReadBytesAsync(pipe.Writer);
    }

    private async ValueTask<bool> ReadCloseAsync(bool isOver)
    {
        var channel = new byte[2];
        var received = isOver ? default : await _socket.ReceiveAsync(channel.AsMemory(), CancellationToken.None);
        if (received.Count != 1 || !received.EndOfMessage || channel[0] >= _channels.Length)
            return false;
        if (_channels[channel[0]] is { } pipe)
            await pipe.Writer.CompleteAsync();
        _channels[channel[0]] = null;
        return true;
    }

    private async ValueTask<bool> ReadBytesAsync(PipeWriter target)
    {
        while (true)
        {
            var received = await _socket.ReceiveAsync(target.GetMemory(4 << 10), CancellationToken.None);
            if (received.MessageType is WebSocketMessageType.Close)
                return false;
            target.Advance(received.Count);
            await target.FlushAsync(CancellationToken.None);
            if (received.EndOfMessage)
                return true;
        }
    }

    /// <summary>Pieces come with any length, and are decoded by whole groups of four characters.</summary>
    private async ValueTask<bool> ReadBase64Async(PipeWriter target)
    {
        var text = ArrayPool<byte>.Shared.Rent(4 << 10);
        try
        {
            var length = 0;
            while (true)
            {
                var received = await _socket.ReceiveAsync(text.AsMemory(length), CancellationToken.None);
                if (received.MessageType is WebSocketMessageType.Close)
                    return false;
                length += received.Count;
                var whole = received.EndOfMessage ? length : length & ~3;
                var status = Base64.DecodeFromUtf8(text.AsSpan(0, whole), target.GetSpan(whole + 3), out _, out var written, received.EndOfMessage);
                // As Go's server does it: a message that is no base64 is dropped, and the next one read.
                if (status is not OperationStatus.Done)
                    return received.EndOfMessage || await SkipAsync();
                target.Advance(written);
                await target.FlushAsync(CancellationToken.None);
                if (received.EndOfMessage)
                    return true;
                text.AsSpan(whole, length - whole).CopyTo(text);
                length -= whole;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(text);
        }
    }

    private async ValueTask<bool> SkipAsync()
    {
        var scratch = ArrayPool<byte>.Shared.Rent(4 << 10);
        try
        {
            while (true)
            {
                var received = await _socket.ReceiveAsync(scratch.AsMemory(), CancellationToken.None);
                if (received.MessageType is WebSocketMessageType.Close || received.EndOfMessage)
                    return received.MessageType is not WebSocketMessageType.Close;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(scratch);
        }
    }

    private async ValueTask SendMessageAsync(int channel, ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        var message = ArrayPool<byte>.Shared.Rent(1 + (_protocol.IsBase64 ? Base64.GetMaxEncodedToUtf8Length(bytes.Length) : bytes.Length));
        try
        {
            var length = 1 + Fill(message, channel, bytes.Span);
            await _turn.WaitAsync(cancel);
            try
            {
                // Not cancelled half-way: a WebSocket is of no use after that.
                await _socket.SendAsync(
                    message.AsMemory(0, length), _protocol.IsBase64 ? WebSocketMessageType.Text : WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
                _touch();
            }
            finally
            {
                _turn.Release();
            }
        }
        catch (Exception e) when (e is WebSocketException or ObjectDisposedException or InvalidOperationException)
        {
            throw new IOException("the client has left", e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(message);
        }
    }

    private int Fill(Span<byte> message, int channel, ReadOnlySpan<byte> bytes)
    {
        message[0] = (byte)(_protocol.IsBase64 ? '0' + channel : channel);
        if (_protocol.IsBase64)
        {
            Base64.EncodeToUtf8(bytes, message[1..], out _, out var written);
            return written;
        }
        bytes.CopyTo(message[1..]);
        return bytes.Length;
    }
}
