using Gantry.Identity;
using Microsoft.Extensions.Logging;

namespace Gantry.Recovery;

/// <summary>Event ids 3400 to 3499.</summary>
internal static partial class RecoveryLog
{
    [LoggerMessage(EventId = 3400, Level = LogLevel.Information, Message = "Recovered {Pods} pods ({ReadyPods} ready) and {Containers} containers ({RunningContainers} running) in {Elapsed}")]
    public static partial void Recovered(this ILogger log, int pods, int readyPods, int containers, int runningContainers, TimeSpan elapsed);

    [LoggerMessage(EventId = 3401, Level = LogLevel.Warning, Message = "{Kind}/{Name} has no readable record: what it held is being given back")]
    public static partial void Orphan(this ILogger log, string kind, string name);

    [LoggerMessage(EventId = 3402, Level = LogLevel.Warning, Message = "{Kind} {Name} could not be cleaned up whole; it is tried again")]
    public static partial void CleanupFailed(this ILogger log, string kind, string name, Exception cause);

    [LoggerMessage(EventId = 3403, Level = LogLevel.Warning, Message = "Container {Container}: its monitor is gone without an exit record; it is taken as ended with 255")]
    public static partial void MonitorLost(this ILogger log, ContainerId container);

    [LoggerMessage(EventId = 3404, Level = LogLevel.Warning, Message = "Pod {Pod}: its namespaces are gone; it is not ready any more")]
    public static partial void PodLost(this ILogger log, PodId pod);

    [LoggerMessage(EventId = 3405, Level = LogLevel.Warning, Message = "What an earlier daemon left takes long to be cleaned: it goes on while the node works")]
    public static partial void CleaningGoesOn(this ILogger log);

    [LoggerMessage(EventId = 3406, Level = LogLevel.Warning, Message = "Container {Container}: its OCI runtime does not tell whether it was started; it is taken as not started")]
    public static partial void StateUnknown(this ILogger log, ContainerId container, Exception cause);
}
