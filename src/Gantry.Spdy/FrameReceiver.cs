using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Gantry.Spdy.Frames;
using Gantry.Spdy.Headers;

namespace Gantry.Spdy;

/// <summary>What each frame of the other side means; used by the connection's one reader.</summary>
/// <param name="connection">Whose frames they are.</param>
/// <param name="flow">Its windows.</param>
/// <param name="limits">What the other side may cost.</param>
/// <param name="parity">1 where the other side's streams and pings have odd numbers.</param>
internal sealed class FrameReceiver(SpdyConnection connection, FlowControl flow, SpdyLimits limits, int parity)
{
    private const uint InitialWindowSetting = 7;
    private readonly HeaderDecompressor _headers = new();
    private int _lastStream;

    /// <returns>False where the frame ends the connection.</returns>
    /// <exception cref="SpdyException">The frame breaks the protocol.</exception>
    public async ValueTask<bool> HandleAsync(SpdyFrame frame)
    {
        switch (frame.Kind)
        {
            case SpdyFrameKind.Data:
                await DataAsync(frame);
                break;
            case SpdyFrameKind.SynStream:
                await OpenedAsync(frame);
                break;
            case SpdyFrameKind.SynReply:
                Replied(frame);
                break;
            case SpdyFrameKind.ResetStream:
                connection.Find(Numbers(frame).First)?.Abort(new SpdyException("the other side has reset the stream"));
                break;
            case SpdyFrameKind.Settings:
                Settings(Bytes(frame));
                break;
            case SpdyFrameKind.Ping:
                await PingAsync(Bytes(frame));
                break;
            case SpdyFrameKind.Headers:
                MoreHeaders(frame);
                break;
            case SpdyFrameKind.WindowUpdate:
                WindowUpdate(frame);
                break;
            case SpdyFrameKind.GoAway:
                _ = Numbers(frame);
                return false;
            default:
                // Unknown control frames are ignored (section 2.2.1).
                break;
        }
        return true;
    }

    private async ValueTask DataAsync(SpdyFrame frame)
    {
        var stream = connection.Find(frame.StreamId);
        var count = (int)frame.Payload.Length;
        if (stream is not null && count > 0)
            await DeliverAsync(stream, frame.Payload);
        // What comes for a stream that is gone counts for the session's window all the same.
        if (flow.Received(flow.Session, count) is var session and > 0)
            await connection.SendWindowUpdateAsync(0, session);
        if (stream is null)
            return;
        if (flow.Received(stream.Window, count) is var more and > 0)
            await connection.SendWindowUpdateAsync(stream.Id, more);
        if ((frame.Flags & SpdyFlags.Finish) != 0)
            Finish(stream);
    }

    /// <summary>A stream whose reader stands still holds up the others: without windows, nothing else can tell the sender to wait.</summary>
    private async ValueTask DeliverAsync(SpdyStream stream, ReadOnlySequence<byte> bytes)
    {
        var delivery = stream.ReceiveAsync(bytes);
        if (delivery.IsCompleted || limits.StallLimit == Timeout.InfiniteTimeSpan)
        {
            await delivery;
            return;
        }
        var waiting = delivery.AsTask();
        while (!await IsDoneAsync(waiting))
        {
            if (!connection.HasOthers)
                continue;
            stream.CancelReceive();
            await waiting;
            await stream.ResetAsync(SpdyResetReason.FlowControlError);
            return;
        }
    }

    private async Task<bool> IsDoneAsync(Task<FlushResult> waiting)
    {
        try
        {
            await waiting.WaitAsync(limits.StallLimit, connection.Time);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private async ValueTask OpenedAsync(SpdyFrame frame)
    {
        var bytes = Bytes(frame);
        if (bytes.Length < 10)
            throw new SpdyException("a SYN_STREAM is too short");
        var id = Number(bytes);
        if (id <= _lastStream || (id & 1) != parity)
            throw new SpdyException($"stream {id} was opened after stream {_lastStream}");
        _lastStream = id;
        // Before anything else: the headers' compression goes on, whatever becomes of the stream.
        var block = _headers.Read(bytes.AsSpan(10));
        IReadOnlyDictionary<string, string> headers;
        try
        {
            headers = SpdyHeaderBlock.Read(block);
        }
        catch (SpdyException)
        {
            await connection.SendResetAsync(id, SpdyResetReason.ProtocolError);
            return;
        }
        if (!connection.TryAccept(id, headers, frame.Flags))
            await connection.SendResetAsync(id, SpdyResetReason.RefusedStream);
    }

    private void Replied(SpdyFrame frame)
    {
        var bytes = Bytes(frame);
        if (bytes.Length < 4)
            throw new SpdyException("a SYN_REPLY is too short");
        _headers.Read(bytes.AsSpan(4));
        if (connection.Find(Number(bytes)) is not { } stream)
            return;
        stream.SetReplied();
        if ((frame.Flags & SpdyFlags.Finish) != 0)
            Finish(stream);
    }

    /// <summary>Nobody reads headers that come later; they belong to the compression, and may finish the stream.</summary>
    private void MoreHeaders(SpdyFrame frame)
    {
        var bytes = Bytes(frame);
        if (bytes.Length < 4)
            throw new SpdyException("a HEADERS frame is too short");
        _headers.Read(bytes.AsSpan(4));
        if ((frame.Flags & SpdyFlags.Finish) != 0 && connection.Find(Number(bytes)) is { } stream)
            Finish(stream);
    }

    private void Settings(byte[] bytes)
    {
        if (bytes.Length < 4 || bytes.Length != 4 + 8L * BinaryPrimitives.ReadUInt32BigEndian(bytes))
            throw new SpdyException("a SETTINGS frame's count is not true");
        for (var at = 4; at < bytes.Length; at += 8)
        {
            if ((BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at)) & 0xffffff) == InitialWindowSetting)
                flow.SetInitialWindow(BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at + 4)) & 0x7fffffff);
        }
    }

    private async ValueTask PingAsync(byte[] bytes)
    {
        if (bytes.Length != 4)
            throw new SpdyException("a PING has not 4 bytes");
        var id = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        // The others answer a ping of this side.
        if ((id & 1) == parity)
            await connection.SendPingAsync(id);
    }

    private void WindowUpdate(SpdyFrame frame)
    {
        var (id, more) = Numbers(frame);
        flow.Grant(id == 0 ? flow.Session : connection.Find(id)?.Window, (uint)more & 0x7fffffff);
    }

    private void Finish(SpdyStream stream)
    {
        stream.FinishInput();
        connection.Forget(stream);
    }

    private static (int First, int Second) Numbers(SpdyFrame frame)
    {
        var bytes = Bytes(frame);
        return bytes.Length == 8
            ? (Number(bytes), BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(4)))
            : throw new SpdyException($"a {frame.Kind} frame has {bytes.Length} bytes, and 8 are right");
    }

    private static int Number(byte[] bytes) => BinaryPrimitives.ReadInt32BigEndian(bytes) & 0x7fffffff;

    private static byte[] Bytes(SpdyFrame frame) => frame.Payload.ToArray();
}
