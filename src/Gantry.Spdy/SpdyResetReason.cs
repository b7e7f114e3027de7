namespace Gantry.Spdy;

/// <summary>Why a stream is reset (section 2.6.3).</summary>
public enum SpdyResetReason
{
    ProtocolError = 1,
    InvalidStream = 2,
    RefusedStream = 3,
    UnsupportedVersion = 4,
    Cancel = 5,
    InternalError = 6,
    FlowControlError = 7,
}
