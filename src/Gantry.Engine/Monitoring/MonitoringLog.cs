using Gantry.Identity;
using Microsoft.Extensions.Logging;

namespace Gantry.Monitoring;

/// <summary>Event ids 2700 to 2799.</summary>
internal static partial class MonitoringLog
{
    [LoggerMessage(EventId = 2700, Level = LogLevel.Warning, Message = "Container {Container}: its monitor did not answer")]
    public static partial void MonitorNotReached(this ILogger log, ContainerId container);

    [LoggerMessage(EventId = 2701, Level = LogLevel.Warning, Message = "Container {Container}: its monitor ended without an exit record; the container is taken as ended with 255")]
    public static partial void MonitorDied(this ILogger log, ContainerId container);
}
