using Gantry.Identity;
using Microsoft.Extensions.Logging;

namespace Gantry.Pods;

/// <summary>Event ids 3200 to 3399.</summary>
internal static partial class PodsLog
{
    [LoggerMessage(EventId = 3200, Level = LogLevel.Information, Message = "Pod {Pod} ({Key}) is ready at {Addresses}")]
    public static partial void PodReady(this ILogger log, PodId pod, PodKey key, string addresses);

    [LoggerMessage(EventId = 3201, Level = LogLevel.Information, Message = "Pod {Pod} ({Key}) was stopped")]
    public static partial void PodStopped(this ILogger log, PodId pod, PodKey key);

    [LoggerMessage(EventId = 3202, Level = LogLevel.Information, Message = "Pod {Pod} ({Key}) was removed")]
    public static partial void PodRemoved(this ILogger log, PodId pod, PodKey key);

    [LoggerMessage(EventId = 3203, Level = LogLevel.Warning, Message = "Pod {Pod}: its init process could not be released")]
    public static partial void InitNotReleased(this ILogger log, PodId pod, Exception cause);

    [LoggerMessage(EventId = 3204, Level = LogLevel.Warning, Message = "Pod {Pod}: its init process ended; the pod is not ready any more")]
    public static partial void InitEnded(this ILogger log, PodId pod);

    [LoggerMessage(EventId = 3205, Level = LogLevel.Warning, Message = "Pod {Pod} ({Key}) failed, and its network could not be given back: it is kept as not ready until it is stopped and removed")]
    public static partial void PodKept(this ILogger log, PodId pod, PodKey key);
}
