namespace Gantry.Spdy;

/// <summary>What one connection may cost.</summary>
public sealed record SpdyLimits
{
    /// <summary>Streams that are open at the same time and were opened by the other side; one more is refused.</summary>
    public int MostStreams { get; init; } = 16;

    /// <summary>Bytes of one stream that wait for its reader; beyond it the connection is not read on.</summary>
    public int StreamBuffer { get; init; } = 1 << 20;

    /// <summary>
    /// How long one stream whose buffer is full may keep the others waiting; then it is reset. A stream that is alone with
    /// its error stream waits for ever.
    /// </summary>
    public TimeSpan StallLimit { get; init; } = Timeout.InfiniteTimeSpan;
}
