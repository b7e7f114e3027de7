using System.Buffers;

namespace Gantry.Spdy.Frames;

/// <summary>Kinds of frames; the values of control frames are the protocol's (section 2.6).</summary>
internal enum SpdyFrameKind
{
    Data = 0,
    SynStream = 1,
    SynReply = 2,
    ResetStream = 3,
    Settings = 4,
    Ping = 6,
    GoAway = 7,
    Headers = 8,
    WindowUpdate = 9,
}

/// <summary>Flags of frames (sections 2.2.2 and 2.6.1).</summary>
[Flags]
internal enum SpdyFlags : byte
{
    None = 0,

    /// <summary>The sender sends nothing more on the stream.</summary>
    Finish = 1,

    /// <summary>On SYN_STREAM: the receiver sends nothing on the stream.</summary>
    Unidirectional = 2,
}

/// <summary>Why a connection ends (section 2.6.6).</summary>
internal enum SpdyGoAwayReason
{
    Ok = 0,
    ProtocolError = 1,
    InternalError = 2,
}

/// <summary>A frame, or a piece of a data frame: those are told of as their bytes arrive, however long they are.</summary>
/// <param name="Kind">What it is; a number outside the enum is a control frame to ignore.</param>
/// <param name="StreamId">Of a data frame; control frames have theirs in the payload.</param>
/// <param name="Flags">Of a data frame, Finish comes with its last piece.</param>
/// <param name="Payload">Valid until the reader is asked for the next.</param>
internal readonly record struct SpdyFrame(SpdyFrameKind Kind, int StreamId, SpdyFlags Flags, ReadOnlySequence<byte> Payload);
