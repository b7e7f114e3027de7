using Grpc.Core;

namespace Gantry.Cri;

/// <summary>Event ids 4000 to 4099.</summary>
internal static partial class CriLog
{
    [LoggerMessage(EventId = 4000, Level = LogLevel.Information, Message = "Listening on {Socket}")]
    public static partial void Listening(this ILogger log, string socket);

    [LoggerMessage(EventId = 4001, Level = LogLevel.Warning, Message = "{Method} answered {Status}: {Message}")]
    public static partial void CallFailed(this ILogger log, string method, StatusCode status, string message);

    [LoggerMessage(EventId = 4002, Level = LogLevel.Error, Message = "{Method} broke")]
    public static partial void CallBroke(this ILogger log, string method, Exception failure);

    [LoggerMessage(EventId = 4003, Level = LogLevel.Information, Message = "No network configuration was there: installed a default in {Directory}")]
    public static partial void DefaultNetworkInstalled(this ILogger log, string directory);

    [LoggerMessage(EventId = 4010, Level = LogLevel.Information, Message = "The network's configuration was made from {Template} for {PodCidrs}")]
    public static partial void NetworkMade(this ILogger log, string template, string podCidrs);
}
