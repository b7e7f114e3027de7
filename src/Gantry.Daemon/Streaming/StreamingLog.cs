namespace Gantry.Streaming;

/// <summary>Event ids 4200 to 4299. No token is ever a field of these.</summary>
internal static partial class StreamingLog
{
    [LoggerMessage(EventId = 4200, Level = LogLevel.Information, Message = "Streams are served on {Address}")]
    public static partial void StreamsServed(this ILogger log, string address);

    [LoggerMessage(EventId = 4201, Level = LogLevel.Error, Message = "A stream session of kind {Kind} broke")]
    public static partial void SessionBroke(this ILogger log, string kind, Exception failure);

    [LoggerMessage(EventId = 4202, Level = LogLevel.Information, Message = "A stream session of kind {Kind} was ended: nothing had moved for {Limit}")]
    public static partial void SessionIdle(this ILogger log, string kind, TimeSpan limit);

    [LoggerMessage(EventId = 4203, Level = LogLevel.Information, Message = "The streaming certificate {File} has changed, and is used from now on")]
    public static partial void CertificateReloaded(this ILogger log, string file);

    [LoggerMessage(EventId = 4204, Level = LogLevel.Error, Message = "The streaming certificate {File} has changed and cannot be read; the old one stays in use")]
    public static partial void CertificateNotReloaded(this ILogger log, string file, Exception cause);

    [LoggerMessage(EventId = 4205, Level = LogLevel.Warning, Message = "Streams are served on {Address}, which is not loopback, without TLS: whoever reads the network reads them")]
    public static partial void StreamsUnprotected(this ILogger log, string address);
}
