using Gantry.Identity;
using Microsoft.Extensions.Logging;

namespace Gantry.Pods.Local;

/// <summary>Event ids 3300 to 3399.</summary>
internal static partial class LocalLog
{
    [LoggerMessage(EventId = 3300, Level = LogLevel.Warning, Message = "Pod {Pod}: its manifest cannot be read, so nobody restarts its containers")]
    public static partial void LocalPodNotResumed(this ILogger log, PodId pod, Exception cause);

    [LoggerMessage(EventId = 3301, Level = LogLevel.Warning, Message = "Pod {Pod}: container {Name} could not be run; it is tried again in {Delay}")]
    public static partial void LocalContainerFailed(this ILogger log, PodId pod, string name, TimeSpan delay, Exception cause);
}
